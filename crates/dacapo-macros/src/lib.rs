//! The attributes `#[dacapo::test]` and `#[dacapo_tokio::test]`. Use them through the crates `dacapo` and
//! `dacapo-tokio`, where they are documented.
//!
//! The attribute only has to find the name, the parameters and the body of a function, so it is parsed by hand. A
//! parser for all of Rust would take longer to compile than the library.

mod arguments;
mod function;
#[cfg(test)]
mod tests;

// Outside of the compiler, which is where tests run, `proc_macro` does not work.
#[cfg(not(test))]
extern crate proc_macro as tokens;
#[cfg(test)]
extern crate proc_macro2 as tokens;

use tokens::{Delimiter, Group, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use crate::arguments::{Arguments, Attribute};
use crate::function::Function;

/// Turns an `async fn` into a test that runs under many schedules.
///
/// See `dacapo::test`.
#[cfg(not(test))]
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(Attribute::Dacapo, arguments, item).unwrap_or_else(compile_error)
}

/// Turns an `async fn` into a test within tokio.
///
/// See `dacapo_tokio::test`.
#[cfg(not(test))]
#[proc_macro_attribute]
pub fn tokio_test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(Attribute::Tokio, arguments, item).unwrap_or_else(compile_error)
}

/// What is wrong with a use of the attribute, and where.
#[derive(Debug)]
struct Mistake {
    #[cfg_attr(test, allow(dead_code))]
    span: Span,
    message: String,
}

fn mistake<T>(span: Span, message: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake { span, message: message.into() })
}

fn expand(
    attribute: Attribute,
    arguments: TokenStream,
    item: TokenStream,
) -> Result<TokenStream, Mistake> {
    let Arguments { scheduler, seeds, settings, dacapo, ignores_panics, .. } =
        Arguments::parse(attribute, arguments)?;
    let searches = attribute == Attribute::Dacapo || seeds.is_some() || !scheduler.is_empty();
    let dacapo = |path: &str| {
        let mut tokens = dacapo.clone();
        tokens.extend(code(path));
        tokens
    };
    let Function { before, name, output, body } = Function::parse(item)?;

    let scheduler = if let Some(seeds) = seeds {
        let mut call = dacapo("::__private::seeds");
        call.extend(group(Delimiter::Parenthesis, seeds, name.span()));
        call
    } else if scheduler.is_empty() {
        dacapo("::__private::default_scheduler()")
    } else {
        let mut block = code("#[allow(unused_imports)] use");
        block.extend(dacapo(match attribute {
            Attribute::Dacapo => "::scheduler::*;",
            Attribute::Tokio => "::__private::scheduler::*;",
        }));
        block.extend(scheduler);
        group(Delimiter::Brace, block, name.span())
    };
    let mut builder = dacapo(match attribute {
        Attribute::Dacapo => "::Builder::new()",
        Attribute::Tokio if ignores_panics => "::__private::lenient_builder()",
        Attribute::Tokio => "::builder()",
    });
    for (setting, value) in settings {
        builder.extend([TokenTree::from(Punct::new('.', Spacing::Alone)), setting.into()]);
        builder.extend(group(Delimiter::Parenthesis, value, name.span()));
    }

    let comma = || TokenTree::from(Punct::new(',', Spacing::Alone));
    let mut call = code("::core::module_path!(), ");
    call.extend([Literal::string(&name.to_string()).into(), comma()]);
    // The directory with the schedules of earlier failures.
    call.extend(code("::core::option_env!(\"CARGO_MANIFEST_DIR\"),"));
    call.extend(builder);
    call.extend([comma()]);
    if searches {
        call.extend(scheduler);
        call.extend([comma()]);
    }
    call.extend([TokenTree::from(name.clone())]);

    // async fn NAME() OUTPUT BODY  DACAPO::__private::check_test(CALL);
    let mut inner = code("async fn");
    inner.extend([TokenTree::from(name.clone())]);
    inner.extend(code("()"));
    inner.extend(output);
    inner.extend([TokenTree::from(body)]);
    // With the span of the test's name, a panic's location says which test it was.
    let function = if searches { "::__private::check_test" } else { "::__private::run_test" };
    inner.extend(respan(dacapo(function), name.span()));
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

#[cfg(not(test))]
fn compile_error(Mistake { span, message }: Mistake) -> TokenStream {
    let mut error = respan(code("::core::compile_error!"), span);
    let message = TokenTree::from(Literal::string(&message));
    error.extend(group(Delimiter::Parenthesis, respan(message.into(), span), span));
    error.extend(respan(code(";"), span));
    let spanned = error.into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    spanned.collect()
}
