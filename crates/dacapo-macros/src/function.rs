//! The function below the attribute.

use crate::tokens::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use crate::{Mistake, mistake};

const TWICE: &str =
    "#[dacapo::test] already makes this function a test; remove the other test attribute";

/// `BEFORE async fn NAME() OUTPUT BODY`.
pub(crate) struct Function {
    /// Attributes and visibility.
    pub(crate) before: TokenStream,
    pub(crate) name: Ident,
    /// The return type with its arrow, or nothing.
    pub(crate) output: TokenStream,
    pub(crate) body: Group,
}

impl Function {
    pub(crate) fn parse(item: TokenStream) -> Result<Self, Mistake> {
        let end = Span::call_site();
        let mut tokens = item.into_iter().map(bare);
        let mut before = TokenStream::new();
        loop {
            match tokens.next() {
                Some(TokenTree::Ident(word)) if is(&word, "async") => break,
                Some(TokenTree::Ident(word)) if is(&word, "fn") => {
                    return mistake(word.span(), "#[dacapo::test] needs an `async fn`");
                }
                Some(TokenTree::Group(attribute)) if is_test(&attribute) => {
                    return mistake(attribute.span(), TWICE);
                }
                Some(token) => before.extend([token]),
                None => return mistake(end, "#[dacapo::test] needs an `async fn`"),
            }
        }
        match tokens.next() {
            Some(TokenTree::Ident(word)) if is(&word, "fn") => {}
            token => {
                let span = token.as_ref().map_or(end, TokenTree::span);
                return mistake(
                    span,
                    "#[dacapo::test] needs an `async fn`, neither unsafe nor extern",
                );
            }
        }
        let Some(TokenTree::Ident(name)) = tokens.next() else {
            return mistake(end, "#[dacapo::test] needs a function with a name");
        };
        match tokens.next() {
            Some(TokenTree::Group(parameters)) if parameters.stream().is_empty() => {}
            Some(TokenTree::Group(parameters)) => {
                return mistake(parameters.span(), "a #[dacapo::test] takes no parameters");
            }
            token => {
                let span = token.as_ref().map_or(end, TokenTree::span);
                return mistake(span, "a #[dacapo::test] is not generic");
            }
        }
        let mut output: Vec<TokenTree> = tokens.collect();
        match output.pop() {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => {
                Ok(Self { before, name, output: output.into_iter().collect(), body })
            }
            _ => mistake(name.span(), "#[dacapo::test] needs a function with a body"),
        }
    }
}

/// Whether the brackets of an attribute have a path that ends in `test`, such as that of `#[tokio::test]`.
fn is_test(attribute: &Group) -> bool {
    let path = attribute.stream().into_iter().take_while(|token| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    });
    let last = path.last().map(|token| token.to_string());
    attribute.delimiter() == Delimiter::Bracket
        && last.is_some_and(|last| last == "test" || last == "rustc_test_marker")
}

/// The content of a `macro_rules!` variable, if it is one token. rustc wraps it in a group without
/// delimiters, such as the body that was passed as `$body:block`.
fn bare(mut token: TokenTree) -> TokenTree {
    while let TokenTree::Group(group) = &token
        && group.delimiter() == Delimiter::None
    {
        let mut inner = group.stream().into_iter();
        match (inner.next(), inner.next()) {
            (Some(only), None) => token = only,
            // A type or a path that must stay together, or an empty visibility.
            _ => break,
        }
    }
    token
}

fn is(word: &Ident, keyword: &str) -> bool {
    let word = word.to_string();
    word == keyword
}
