use std::fmt;

/// What the body of a [`check`](crate::check) may return: nothing, or a `Result` whose error fails
/// the run.
///
/// This trait is sealed: no other type can implement it.
#[diagnostic::on_unimplemented(
    message = "the body of a check returns nothing or a `Result`, and not `{Self}`",
    note = "end the body with a semicolon; if it never returns, as a server, let it be a task"
)]
pub trait Termination: sealed::Sealed {
    /// Turns this into a result.
    ///
    /// # Errors
    ///
    /// The `Debug` text of the error, if this is one.
    fn report(self) -> Result<(), String>;
}

impl Termination for () {
    fn report(self) -> Result<(), String> {
        Ok(())
    }
}

impl<T, E: fmt::Debug> Termination for Result<T, E> {
    fn report(self) -> Result<(), String> {
        self.map(drop).map_err(|error| format!("{error:?}"))
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for () {}
    impl<T, E> Sealed for Result<T, E> {}
}
