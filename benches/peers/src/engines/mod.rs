//! The engines, and what each is asked: read and decide, or decide what has been read.

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

/// What stands below the table.
pub const NOTES: &str = "\
What a row is that does not say all four rules, or does something else:
- reprieve, its nine policies: other rules and far more of them; they deny every request here for want of evidence.
- cel: `too-many-tenants` and `bad-ids` use the `lists` extension; the language alone has no distinct values and no fold.
- cedar-policy: it counts nothing, so `too-many-tenants`, duplicate ids and the number of targets cannot be said;
  what is run is `kind-mismatch`, 1 of the 4 rules.
- figures counted by the program: `native` counts, and the engine compares the figures, as a policy of Reprieve does.
";

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// From the bytes of the request to the verdict.
    Whole,
    /// From what has been read to the verdict.
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
    /// Gets it ready for a request: what is done here is not timed.
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

    /// Says which rules it can express.
    fn only(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }
}

/// An engine that is ready for one request.
pub struct Decider<'a>(Box<dyn FnMut(usize) -> Result<(Duration, Rules)> + 'a>);

impl<'a> Decider<'a> {
    /// Decides as `run` does what `setup` made, and finds in the outcome which rules are broken. Only `run` is timed.
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
            let last = outcomes.last().context("decided nothing")?;
            Ok((elapsed, read(last)?))
        }))
    }

    /// An engine that needs nothing made for each decision, and says which rules are broken.
    fn plain(mut run: impl FnMut() -> Result<Rules> + 'a) -> Self {
        Self::new(|| Ok(()), move |()| run(), |broken| Ok(*broken))
    }

    /// Decides `times` times over: how long it took, and which rules the last decision found broken.
    ///
    /// # Errors
    /// What the engine said.
    pub fn decide(&mut self, times: usize) -> Result<(Duration, Rules)> {
        (self.0)(times)
    }
}

/// Every engine, in the order of the report.
///
/// # Errors
/// The first that cannot be set up.
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

/// Sets up one engine in a process of its own, and has it read and decide a request.
///
/// # Errors
/// What the engine said, or that there is none of this name.
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
