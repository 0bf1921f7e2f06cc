//! Text from outside, made fit to be shown.

/// The beginning of a text, at most this many characters and a mark that there are more. It is in one
/// line, and without characters that a terminal would obey or a reader would not see.
pub(crate) fn printable(text: &str, max: usize) -> String {
    escaped(text, max, |_| false)
}

/// The same with its lines.
pub(crate) fn printable_lines(text: &str, max: usize) -> String {
    escaped(text, max, |c| c == '\n')
}

fn escaped(text: &str, max: usize, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::new();
    let mut left = max;
    for c in text.chars() {
        let escape = (c.is_control() || is_invisible(c)) && !keep(c);
        let width = if escape { c.escape_default().len() } else { 1 };
        if width > left {
            shown.push('…');
            break;
        }
        left -= width;
        match escape {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// What has no shape of its own and moves or hides what is around it: marks of direction, joiners,
/// separators of lines, tags. The list is fixed, since the tables of std grow with Unicode.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
