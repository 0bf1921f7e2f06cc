//! Strings of JSON, for the pictures that are data: any text in, nothing that a reader could obey out.

use std::fmt::{self, Write};

/// A text as a string of JSON, in its quotes.
///
/// It may stand in a `<script>` of a page as well: neither an end of the element nor a comment can be
/// in it, for `<`, `>` and `&` are escaped.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                // The last two end a line in old JavaScript.
                '<' | '>' | '&' | '\0'..='\u{1f}' | '\u{7f}' | '\u{2028}' | '\u{2029}' => {
                    write!(f, "\\u{:04x}", u32::from(c))?;
                }
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// A list of what is JSON already.
pub(super) fn list(items: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let mut text = String::from("[");
    for (number, item) in items.into_iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        write!(text, "{comma}{item}").expect("dacapo bug: a string takes all text");
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_reader_of_json_gets_the_text_back(text in "\\PC*|.*|[<>&\"\\\\/!-]*") {
            let quoted = Quoted(&text).to_string();
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
            let is_plain = !quoted.contains(['<', '>', '&', '\n', '\u{2028}']);
            prop_assert!(is_plain, "{}", quoted);
        }
    }
}
