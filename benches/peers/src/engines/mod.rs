//! The engines. Each is measured twice: from the bytes of a request, and from a request that is already read.

mod cedar;
mod cel;
mod extism;
mod native;
mod regorus;
mod reprieve;

pub use self::reprieve::POLICY;

use crate::inputs::Input;
use anyhow::{Context, Result};
use peers_rules::Rules;
use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The notes below the table.
pub const NOTES: &str = "\
Rows that do not express all four rules, or do something else:
- reprieve, its nine policies: other and far more rules; they deny every request here because evidence is missing.
- cel: `too-many-tenants` and `bad-ids` use the `lists` extension; the language alone has no distinct values and no fold.
- cedar-policy: it cannot count, so `too-many-tenants`, duplicate ids and the number of targets cannot be expressed;
  only `kind-mismatch` is run, 1 of the 4 rules.
- figures counted by the program: `native` counts, and the engine compares the figures, as a policy of Reprieve does.
";

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// From the bytes of the request to the verdict.
    Whole,
    /// From the request as the engine has read it to the verdict.
    Decide,
}

impl Part {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Whole, Self::Decide];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "read and decide",
            Self::Decide => "decide only",
        })
    }
}

/// One row of the report.
pub struct Engine {
    /// Its name.
    pub name: &'static str,
    /// What is timed.
    pub part: Part,
    /// The rules it can express.
    pub rules: Rules,
    /// Prepares it for a request. This is not timed.
    pub prepare: Prepare,
}

/// See [`Engine::prepare`].
pub type Prepare = Box<dyn for<'a> Fn(&'a Input) -> Result<Decider<'a>>>;

impl Engine {
    /// An engine that can express all four rules.
    fn new(
        name: &'static str,
        part: Part,
        prepare: impl for<'a> Fn(&'a Input) -> Result<Decider<'a>> + 'static,
    ) -> Self {
        Self { name, part, rules: Rules::ALL, prepare: Box::new(prepare) }
    }

    /// Limits the rules that it can express.
    fn only(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }
}

/// An engine that is ready for one request.
pub struct Decider<'a>(Box<dyn FnMut(usize) -> Result<(Duration, Rules)> + 'a>);

impl<'a> Decider<'a> {
    /// Times `run` on what `setup` returns; `read` returns the violated rules of the outcome.
    fn new<I: 'a, O: 'a>(
        mut setup: impl FnMut() -> Result<I> + 'a,
        mut run: impl FnMut(I) -> Result<O> + 'a,
        read: impl Fn(&O) -> Result<Rules> + 'a,
    ) -> Self {
        Self(Box::new(move |times| {
            let inputs = (0..times).map(|_| setup()).collect::<Result<Vec<I>>>()?;
            let mut outcomes = Vec::with_capacity(times);
            let start = Instant::now();
            for input in inputs {
                outcomes.push(black_box(run(black_box(input))?));
            }
            let elapsed = start.elapsed();
            let last = outcomes.last().context("no decision was made")?;
            Ok((elapsed, read(last)?))
        }))
    }

    /// An engine without setup for each decision, whose outcome is the violated rules.
    fn plain(mut run: impl FnMut() -> Result<Rules> + 'a) -> Self {
        Self::new(|| Ok(()), move |()| run(), |broken| Ok(*broken))
    }

    /// Decides `times` times. Returns the time taken, and the rules that are violated according to the last decision.
    ///
    /// # Errors
    /// The error of the engine.
    pub fn decide(&mut self, times: usize) -> Result<(Duration, Rules)> {
        (self.0)(times)
    }
}

/// Every engine, in the order of the report.
///
/// # Errors
/// The error of the first engine that cannot be set up.
pub fn all() -> Result<Vec<Engine>> {
    let mut engines = Vec::new();
    engines.extend(reprieve::engines().context("reprieve")?);
    engines.extend(native::engines());
    engines.extend(extism::engines().context("extism")?);
    engines.extend(regorus::engines().context("regorus")?);
    engines.extend(cel::engines().context("cel")?);
    engines.extend(cedar::engines().context("cedar-policy")?);
    Ok(engines)
}

/// Sets up one engine, and reads and decides a request with it.
///
/// # Errors
/// The error of the engine, or an unknown name.
pub fn decide(name: &str, input: &Input) -> Result<Rules> {
    let engines = match name.split(',').next().unwrap_or_default() {
        "native" => native::engines(),
        "extism" => extism::engines()?,
        "regorus" => regorus::engines()?,
        "cel" => cel::engines()?,
        "cedar-policy" => cedar::engines()?,
        _ => Vec::new(),
    };
    let mut engines = engines.into_iter().filter(|engine| engine.part == Part::Whole && engine.name == name);
    let engine = engines.next().with_context(|| format!("there is no engine `{name}`"))?;
    let (_, broken) = (engine.prepare)(input)?.decide(1)?;
    Ok(broken)
}
