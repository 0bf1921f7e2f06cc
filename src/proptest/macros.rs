/// Makes `async` functions tests whose arguments are drawn by [proptest](::proptest), each input under many
/// schedules.
///
/// It is proptest's own macro of that name, for bodies that await: arguments are `pattern in strategy` or
/// `name: Type`; in the body, `prop_assert!` and its like work, `prop_assume!`, and `?` on what becomes a
/// `TestCaseError`. Each run of the body is made in virtual time, as by [`check`](crate::check()). In tasks of
/// their own say `assert!` instead: a `return` there would leave the task only.
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use proptest::prelude::*;
///
/// dacapo::proptest! {
///     #![proptest_config(ProptestConfig::with_cases(64))]
///     #![dacapo(Portfolio::seeds(0..20), max_steps = 10_000)]
///
///     /// Deposits add up in any order.
/// #   /*
///     #[test]
/// #   */
///     async fn deposits_add_up(amounts in prop::collection::vec(1..100_u32, 1..5), start: u16) {
///         prop_assume!(start < 60_000);
///         let balance = Rc::new(Cell::new(u32::from(start)));
///         let deposits = amounts.iter().map(|&amount| {
///             let balance = Rc::clone(&balance);
///             async move { balance.set(balance.get() + amount) }
///         });
///         for deposit in dacapo::gather(deposits.collect::<Vec<_>>()).await {
///             deposit.unwrap();
///         }
///         prop_assert_eq!(balance.get(), u32::from(start) + amounts.iter().sum::<u32>());
///     }
/// }
/// # deposits_add_up();
/// ```
///
/// # Settings
///
/// Both lines at the top are optional.
///
/// `proptest_config` is for the inputs: `cases` (256 by default; `PROPTEST_CASES`), `max_shrink_iters`,
/// `max_global_rejects`, and what strategies look at. `rng_seed` is 0 unless it is set there or by
/// `PROPTEST_RNG_SEED`: as all tests of dacapo, this one is a function of its source. What is about processes,
/// the wall clock and proptest's own files (`fork`, `timeout`, `max_shrink_time`, `failure_persistence`) has no
/// effect.
/// `dacapo` is about the runs and takes what [`#[dacapo::test]`](crate::test) takes: a scheduler, and
/// settings of the [`Builder`](crate::Builder). Each input has as many seeds as the scheduler (16 of the
/// [`Portfolio`](crate::scheduler::Portfolio) by default), which follow the seeds of the input before.
/// `DACAPO_SEEDS` sets how many it has. A scheduler that does not work from seeds makes all of its runs
/// for each input.
///
/// If the first run of an input rejects it, by `prop_assume!`, the input does not count; a later run that does
/// only is none that counts.
///
/// # Failures
///
/// Input and schedule are shrunk together. proptest proposes simpler inputs, an argument after another; each
/// is tried with the simplest schedule so far, and then with those of a search. The schedule is shrunk
/// before and after that, and then all is tried once more, until neither gets simpler. The report shows the
/// input, and all that a [`check`](crate::check()) tells of a schedule.
///
/// `DACAPO_REPLAY` and `dacapo-regressions/<test>.txt` then hold both:
///
/// ```text
/// i1:1/s/s4c/s~d93f6a3b d1:0x2.1 # permits = 1, tasks = 2, rounds = 1: main/2 ran before main/1 …
/// ```
/// Values have no text that could be read back. So `i1:` stands for how the input is drawn: from which
/// seed and, for each argument, in which steps it was made simpler (`s`) and less simple again (`c`).
/// After the `~` is a check sum of the text of the values. If the strategies have changed and draw
/// something else from that seed, the replay says so. Nothing is written into the sources without
/// `DACAPO_ACCEPT=1`.
#[macro_export]
macro_rules! proptest {
    (@tests $config:tt $dacapo:tt $(
        $(#[$meta:meta])*
        async fn $name:ident($($arguments:tt)*) $body:block
    )*) => {$(
        $(#[$meta])*
        fn $name() {
            $crate::proptest!(@next { $name $config $dacapo $body } () () $($arguments)*)
        }
    )*};
    (@tests $config:tt $dacapo:tt $($other:tt)*) => {
        ::core::compile_error!(
            "dacapo::proptest! takes functions such as \
             `#[test] async fn name(x in strategy, y: Type) { … }`, after the settings that it has"
        );
    };

    // One argument after another. The types are those forms that proptest takes.
    (@next $test:tt $patterns:tt $list:tt
     $pattern:pat in $strategy:expr $(, $($rest:tt)*)?) => {
        $crate::proptest!(@next $test
            ($patterns, $pattern)
            ($list, $crate::__private::Argument::new(::core::stringify!($pattern), $strategy))
            $($($rest)*)?)
    };
    (@next $test:tt $patterns:tt $list:tt
     ref mut $name:ident: $type:ty $(, $($rest:tt)*)?) => {
        $crate::proptest!(@typed $test $patterns $list [ref mut $name] $type [$($($rest)*)?])
    };
    (@next $test:tt $patterns:tt $list:tt ref $name:ident: $type:ty $(, $($rest:tt)*)?) => {
        $crate::proptest!(@typed $test $patterns $list [ref $name] $type [$($($rest)*)?])
    };
    (@next $test:tt $patterns:tt $list:tt mut $name:ident: $type:ty $(, $($rest:tt)*)?) => {
        $crate::proptest!(@typed $test $patterns $list [mut $name] $type [$($($rest)*)?])
    };
    (@next $test:tt $patterns:tt $list:tt $pattern:tt: $type:ty $(, $($rest:tt)*)?) => {
        $crate::proptest!(@typed $test $patterns $list [$pattern] $type [$($($rest)*)?])
    };
    (@typed $test:tt $patterns:tt $list:tt [$($pattern:tt)*] $type:ty [$($rest:tt)*]) => {
        $crate::proptest!(@next $test $patterns $list
            $($pattern)* in $crate::__private::any::<$type>(), $($rest)*)
    };

    (@next { $name:ident [$config:expr] [$($dacapo:tt)*] $body:block } $patterns:tt $list:tt) => {
        $crate::__private::Test {
            module: ::core::module_path!(),
            function: ::core::stringify!($name),
            package: ::core::option_env!("CARGO_MANIFEST_DIR"),
            builder: $crate::proptest!(@builder $($dacapo)*),
            config: ::core::clone::Clone::clone(&$config),
            scheduler: || $crate::proptest!(@scheduler $($dacapo)*),
        }
        .check(
            $list,
            #[allow(unused_parens, unreachable_code)]
            async |$patterns| -> ::core::result::Result<(), $crate::__private::TestCaseError> {
                let (): () = $body;
                ::core::result::Result::Ok(())
            },
        )
    };

    (@builder) => { $crate::Builder::new() };
    (@builder $($option:ident = $value:expr),+ $(,)?) => {
        $crate::Builder::new()$(.$option($value))+
    };
    (@builder $scheduler:expr $(, $option:ident = $value:expr)* $(,)?) => {
        $crate::Builder::new()$(.$option($value))*
    };
    (@scheduler) => { $crate::__private::default_inputs_scheduler() };
    (@scheduler $($option:ident = $value:expr),+ $(,)?) => { $crate::proptest!(@scheduler) };
    (@scheduler $scheduler:expr $(, $option:ident = $value:expr)* $(,)?) => {{
        #[allow(unused_imports)]
        use $crate::scheduler::*;
        $scheduler
    }};

    (#![proptest_config($config:expr)] #![dacapo($($dacapo:tt)*)] $($tests:tt)*) => {
        $crate::proptest!(@tests [$config] [$($dacapo)*] $($tests)*);
    };
    (#![dacapo($($dacapo:tt)*)] #![proptest_config($config:expr)] $($tests:tt)*) => {
        $crate::proptest!(@tests [$config] [$($dacapo)*] $($tests)*);
    };
    (#![proptest_config($config:expr)] $($tests:tt)*) => {
        $crate::proptest!(@tests [$config] [] $($tests)*);
    };
    (#![dacapo($($dacapo:tt)*)] $($tests:tt)*) => {
        $crate::proptest!(@tests [$crate::__private::Config::default()] [$($dacapo)*] $($tests)*);
    };
    ($($tests:tt)*) => {
        $crate::proptest!(@tests [$crate::__private::Config::default()] [] $($tests)*);
    };
}
