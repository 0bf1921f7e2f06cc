//! The guide, a module per page. The text is in `docs/`, and its code blocks are tests.

/// A page, with links to the others as rustdoc wants them; the page's own are for the repository. The
/// first definition of a link counts.
macro_rules! pages {
    ($($(#[$attribute:meta])* $name:ident = $file:literal,)*) => {$(
        #[doc = include_str!("../docs/links.md")]
        #[doc = ""]
        #[doc = include_str!(concat!("../docs/", $file))]
        $(#[$attribute])*
        pub mod $name {}
    )*};
}

pages! {
    first_test = "first-test.md",
    from_tokio = "from-tokio.md",
    from_asyncio = "from-asyncio.md",
    vocabulary = "vocabulary.md",
    #[cfg(any(feature = "proptest", not(doctest)))]
    property_tests = "property-tests.md",
    snapshots = "snapshots.md",
    cancellation = "cancellation.md",
    faults = "faults.md",
    #[cfg(any(feature = "proptest", not(doctest)))]
    linearizability = "linearizability.md",
    ci = "ci.md",
    how_it_works = "how-it-works.md",
    faq = "faq.md",
    environment = "environment.md",
    limits = "limits.md",
    comparison = "comparison.md",
}
