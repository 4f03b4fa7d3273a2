//! Every engine on one input, in turn, and what each takes.

use crate::engines::{Decider, Engine};
use crate::inputs::Input;
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Time for each engine and input, unless a few decisions take longer.
    pub cell: Duration,
    /// Runs of each process.
    pub runs: usize,
}

/// Decisions, or handfuls of them, that a median is taken of at the least.
const FEWEST: usize = 3;
/// Turns in which an engine uses up its time.
const TURNS: u32 = 10;
/// Decisions shorter than this are timed by the handful, so that reading the clock does not count.
const SHORTEST: Duration = Duration::from_micros(50);
/// The largest handful.
const HANDFUL: u128 = 64;

/// An engine and what has been measured of it.
struct Running<'a> {
    engine: &'a Engine,
    decider: Decider<'a>,
    /// Decisions in a handful.
    handful: usize,
    samples: Vec<Duration>,
    spent: Duration,
}

impl Running<'_> {
    fn is_done(&self, effort: Effort) -> bool {
        self.samples.len() >= FEWEST && self.spent >= effort.cell
    }

    /// Decides until its turn is over.
    fn take_turn(&mut self, input: &Input, effort: Effort) -> Result<()> {
        let start = Instant::now();
        loop {
            let elapsed = decide(self.engine, &mut self.decider, input, self.handful)?;
            self.samples.push(elapsed / u32::try_from(self.handful)?);
            let turn = start.elapsed();
            if turn >= effort.cell / TURNS {
                self.spent += turn;
                return Ok(());
            }
        }
    }
}

/// Asks every engine about an input, and gives the median time of a decision of each. None is timed before all have
/// answered right.
///
/// # Errors
/// What an engine said, or that it is wrong.
pub fn measure(engines: &[Engine], input: &Input, effort: Effort) -> Result<Vec<Duration>> {
    let start = |engine| start(engine, input).with_context(|| named(engine, input));
    let mut running = engines.iter().map(start).collect::<Result<Vec<_>>>()?;
    loop {
        let mut waiting = running.iter_mut().filter(|engine| !engine.is_done(effort)).peekable();
        if waiting.peek().is_none() {
            break;
        }
        waiting.try_for_each(|engine| engine.take_turn(input, effort))?;
    }
    Ok(running.into_iter().map(|done| median(done.samples)).collect())
}

/// Asks every engine about an input, and does not time it.
///
/// # Errors
/// What an engine said, or that it is wrong.
pub fn verify(engines: &[Engine], input: &Input) -> Result<()> {
    engines.iter().try_for_each(|engine| start(engine, input).map(drop).with_context(|| named(engine, input)))
}

fn start<'a>(engine: &'a Engine, input: &'a Input) -> Result<Running<'a>> {
    let mut decider = (engine.prepare)(input)?;
    let first = decide(engine, &mut decider, input, 1)?;
    let handful = (SHORTEST.as_nanos() / first.as_nanos().max(1)).clamp(1, HANDFUL);
    Ok(Running { engine, decider, handful: usize::try_from(handful)?, samples: Vec::new(), spent: Duration::ZERO })
}

/// Decides, and holds the answer against the right one.
fn decide(engine: &Engine, decider: &mut Decider<'_>, input: &Input, times: usize) -> Result<Duration> {
    let (elapsed, said) = decider.decide(times)?;
    let expected = input.broken.and(engine.rules);
    ensure!(said == expected, "{}: it says {said:?}, and right is {expected:?}", named(engine, input));
    Ok(elapsed)
}

fn named(engine: &Engine, input: &Input) -> String {
    format!("{}, {}, on {}", engine.name, engine.part, input.name)
}

/// The middle one, or the later of the two in the middle.
pub fn median<T: Ord + Copy + Default>(mut samples: Vec<T>) -> T {
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}
