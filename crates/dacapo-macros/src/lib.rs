//! The attribute `#[dacapo::test]`; use it through the crate `dacapo`, where it is documented.
//!
//! It only has to find the name, the parameters and the body of a function, which it does by hand: a
//! parser for all of Rust would take longer to compile than the library itself.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// Makes an `async fn` a test that is run under many schedules.
///
/// See `dacapo::test`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match expand(arguments, item) {
        Ok(test) => test,
        Err(Mistake { span, message }) => compile_error(span, message),
    }
}

/// What is wrong with the use of the attribute, and where.
struct Mistake {
    span: Span,
    message: &'static str,
}

fn mistake<T>(span: Span, message: &'static str) -> Result<T, Mistake> {
    Err(Mistake { span, message })
}

fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream, Mistake> {
    let Arguments { scheduler, options, dacapo } = Arguments::parse(arguments)?;
    let dacapo = |path: &str| {
        let mut tokens = dacapo.clone();
        tokens.extend(code(path));
        tokens
    };
    let Function { before, name, output, body } = Function::parse(item)?;

    let scheduler = if scheduler.is_empty() {
        dacapo("::__private::default_scheduler()")
    } else {
        let mut block = code("#[allow(unused_imports)] use");
        block.extend(dacapo("::scheduler::*;"));
        block.extend(scheduler);
        group(Delimiter::Brace, block, name.span())
    };
    let mut builder = dacapo("::Builder::new()");
    for (option, value) in options {
        builder.extend([TokenTree::from(Punct::new('.', Spacing::Alone)), option.into()]);
        builder.extend(group(Delimiter::Parenthesis, value, name.span()));
    }

    let comma = || TokenTree::from(Punct::new(',', Spacing::Alone));
    let mut call = code("::core::module_path!(), ");
    call.extend([Literal::string(&name.to_string()).into(), comma()]);
    // Where the schedules that it once failed under are kept.
    call.extend(code("::core::option_env!(\"CARGO_MANIFEST_DIR\"),"));
    call.extend(builder);
    call.extend([comma()]);
    call.extend(scheduler);
    call.extend([comma(), name.clone().into()]);

    // async fn NAME() OUTPUT BODY  DACAPO::__private::check_test(CALL);
    let mut inner = code("async fn");
    inner.extend([TokenTree::from(name.clone())]);
    inner.extend(code("()"));
    inner.extend(output);
    inner.extend([TokenTree::from(body)]);
    // At the name of the test, a panic's place says which test it was.
    inner.extend(respan(dacapo("::__private::check_test"), name.span()));
    inner.extend(group(Delimiter::Parenthesis, call, name.span()));
    inner.extend(code(";"));

    let mut test = code("#[::core::prelude::v1::test]");
    test.extend(before);
    test.extend(code("fn"));
    test.extend([TokenTree::from(name.clone())]);
    test.extend(code("()"));
    test.extend(group(Delimiter::Brace, inner, name.span()));
    Ok(test)
}

/// `(SCHEDULER, option = value, …)`, all of it optional.
struct Arguments {
    scheduler: TokenStream,
    options: Vec<(Ident, TokenStream)>,
    /// Where the crate is; `crate = path` says so if it was renamed.
    dacapo: TokenStream,
}

impl Arguments {
    fn parse(arguments: TokenStream) -> Result<Self, Mistake> {
        let mut scheduler = TokenStream::new();
        let mut options = Vec::new();
        let mut dacapo = code("::dacapo");
        for part in split_at_commas(arguments) {
            match part.as_slice() {
                [TokenTree::Ident(option), TokenTree::Punct(equals), value @ ..]
                    if equals.as_char() == '=' && equals.spacing() == Spacing::Alone =>
                {
                    if value.is_empty() {
                        return mistake(
                            option.span(),
                            "expected a value, as in `max_steps = 1000`",
                        );
                    }
                    let value = value.iter().cloned().collect();
                    match option.to_string().as_str() {
                        "crate" => dacapo = value,
                        _ => options.push((option.clone(), value)),
                    }
                }
                // The comma stood within the expression, as in `f::<A, B>()`.
                part if options.is_empty() => {
                    if !scheduler.is_empty() {
                        scheduler.extend(code(","));
                    }
                    scheduler.extend(part.iter().cloned());
                }
                part => {
                    let span = part.first().map_or_else(Span::call_site, TokenTree::span);
                    return mistake(
                        span,
                        "expected `option = value`; the scheduler comes first, as in \
                         `#[dacapo::test(Random::seeds(0..100), max_steps = 1000)]`",
                    );
                }
            }
        }
        Ok(Self { scheduler, options, dacapo })
    }
}

fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => parts.push(Vec::new()),
            _ => parts.last_mut().expect("there is a part from the beginning").push(token),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// `BEFORE async fn NAME() OUTPUT BODY`.
struct Function {
    /// Attributes and visibility.
    before: TokenStream,
    name: Ident,
    /// The return type with its arrow, or nothing.
    output: TokenStream,
    body: Group,
}

impl Function {
    fn parse(item: TokenStream) -> Result<Self, Mistake> {
        let end = Span::call_site();
        let mut tokens = item.into_iter().map(bare);
        let mut before = TokenStream::new();
        loop {
            match tokens.next() {
                Some(TokenTree::Ident(word)) if word.to_string() == "async" => break,
                Some(TokenTree::Ident(word)) if word.to_string() == "fn" => {
                    return mistake(word.span(), "#[dacapo::test] needs an `async fn`");
                }
                Some(token) => before.extend([token]),
                None => return mistake(end, "#[dacapo::test] needs an `async fn`"),
            }
        }
        match tokens.next() {
            Some(TokenTree::Ident(word)) if word.to_string() == "fn" => {}
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

/// What a variable of `macro_rules!` stands for, if it is one token: rustc puts the body that was given
/// as `$body:block` into a group without delimiters.
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

fn code(text: &str) -> TokenStream {
    text.parse().expect("this is Rust")
}

fn group(delimiter: Delimiter, tokens: TokenStream, span: Span) -> TokenStream {
    let mut group = Group::new(delimiter, tokens);
    group.set_span(span);
    TokenTree::from(group).into()
}

fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    let respanned = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(span));
        token
    });
    respanned.collect()
}

fn compile_error(span: Span, message: &str) -> TokenStream {
    let mut error = respan(code("::core::compile_error!"), span);
    let message = TokenTree::from(Literal::string(message));
    error.extend(group(Delimiter::Parenthesis, respan(message.into(), span), span));
    error.extend(respan(code(";"), span));
    let spanned = error.into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    spanned.collect()
}
