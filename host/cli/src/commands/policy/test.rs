//! `reprieve policy test`: the cases of a policy, in the real sandbox.

use super::{NAME, builder};
use crate::Status;
use crate::project::{Built, Project, component};
use anyhow::{Context, ensure};
use clap::Args;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use reprieve_cases::{Case, CaseFile, Difference, Expected, cases_below, differences, found};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Run the cases of a policy, and say which rules no case makes fire or keeps quiet
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder of a policy, which is built first, or a wasm module
    #[arg(default_value = ".")]
    policy: PathBuf,
    /// The folder of the cases, where it is not `cases` in that of the policy
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// Write what the cases came to into them
    #[arg(long)]
    bless: bool,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Fail where a rule is not made to fire by one case and kept quiet by another
    #[arg(long)]
    require_coverage: bool,
    /// Build and run again whenever a file is saved
    #[arg(long)]
    watch: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    if !arguments.watch {
        return once(arguments);
    }
    crate::watch::each_change(&arguments.policy, || {
        let result = once(arguments);
        match &result {
            Ok(Status::Allow) => anstream::println!("\npassed; waiting for changes"),
            Ok(_) => anstream::println!("\nfailed; waiting for changes"),
            Err(error) => anstream::println!("{}\n\nwaiting for changes", crate::report::error(error)),
        }
    })
}

fn once(arguments: &Arguments) -> anyhow::Result<Status> {
    let folder = match &arguments.cases {
        Some(folder) => folder.clone(),
        None if arguments.policy.is_dir() => arguments.policy.join("cases"),
        None => arguments.policy.parent().unwrap_or(Path::new("")).join("cases"),
    };
    ensure!(arguments.policy.exists(), "{}: there is no such file or folder", arguments.policy.display());
    let paths = cases_below(&folder)?;
    let built = component(&arguments.policy)?;
    let mut traced = Traced { policy: &arguments.policy, module: None };
    let mut suite = TestSuite::new(built.path.display().to_string());
    let mut coverage = Coverage::default();
    let mut failed = 0;
    for path in &paths {
        let case = Case::open(path)?;
        let differences = vet(&case, &built, &mut traced, arguments.bless, &mut coverage)?;
        let mut status = TestCaseStatus::success();
        if differences.is_empty() {
            anstream::println!("ok    {:<32} {}", case.name(), case.about);
        } else {
            failed += 1;
            let lines: Vec<String> = differences.iter().map(|difference| format!("        {difference}")).collect();
            anstream::println!("FAIL  {:<32} {}\n{}", case.name(), case.about, lines.join("\n"));
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(lines.join("\n"));
        }
        suite.add_test_case(TestCase::new(case.name(), status));
    }
    anstream::println!("\n{} of {} cases passed", paths.len() - failed, paths.len());
    let gaps = coverage.gaps();
    gaps.iter().for_each(|gap| anstream::println!("{gap}"));
    if let Some(path) = &arguments.junit {
        let mut report = Report::new("reprieve policy test");
        report.add_test_suite(suite);
        let text = report.to_string().context("the report cannot be written")?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let uncovered = arguments.require_coverage && !gaps.is_empty();
    Ok(if failed > 0 || uncovered { Status::Deny } else { Status::Allow })
}

/// Vets one case, and holds what came out against what was expected.
fn vet(
    case: &Case,
    built: &Built,
    traced: &mut Traced<'_>,
    bless: bool,
    coverage: &mut Coverage,
) -> anyhow::Result<Vec<Difference>> {
    let gate =
        case.gate(case.alone(builder(), NAME, &built.bytes)).with_context(|| case.path.display().to_string())?;
    let mut document = case.decide(&gate).with_context(|| case.path.display().to_string())?;
    if document.faults.iter().any(|fault| fault.cause == "trap")
        && let Some(module) = traced.module()?
    {
        document = case.decide(&case.gate(case.alone(builder().trace(), NAME, module))?)?;
    }
    let rules = gate.policies().flat_map(|policy| &policy.descriptor.rules).map(|rule| rule.code.clone());
    coverage.add(rules, document.findings.iter().map(|finding| finding.rule.as_str()));
    if bless {
        ensure!(
            document.faults.is_empty(),
            "{}: a fault is not blessed: {}",
            case.path.display(),
            document.faults[0].message
        );
        let mut file = CaseFile::read(&case.path)?;
        let expect = Expected { decision: document.decision, codes: Vec::new(), findings: Some(found(&document)) };
        if file.expect != expect {
            file.expect = expect;
            file.write(&case.path)?;
        }
        return Ok(Vec::new());
    }
    Ok(differences(&case.expected, &document))
}

/// The policy once more, such that a trap names its place. It is built when the first case needs it.
struct Traced<'a> {
    policy: &'a Path,
    module: Option<Option<Vec<u8>>>,
}

impl Traced<'_> {
    fn module(&mut self) -> anyhow::Result<Option<&[u8]>> {
        if self.module.is_none() {
            let is_project = self.policy.is_dir();
            self.module = Some(if is_project { Project::open(self.policy)?.build_traced()? } else { None });
        }
        Ok(self.module.as_ref().and_then(Option::as_deref))
    }
}

/// Which rules fired in some case, and which were quiet in some.
#[derive(Default)]
struct Coverage {
    rules: BTreeSet<String>,
    fired: BTreeSet<String>,
    quiet: BTreeSet<String>,
}

impl Coverage {
    fn add<'a>(&mut self, rules: impl Iterator<Item = String>, fired: impl Iterator<Item = &'a str>) {
        let fired: BTreeSet<String> = fired.map(str::to_owned).collect();
        for rule in rules {
            if !fired.contains(&rule) {
                self.quiet.insert(rule.clone());
            }
            self.rules.insert(rule);
        }
        self.fired.extend(fired);
    }

    fn gaps(&self) -> Vec<String> {
        let fires = self.rules.difference(&self.fired).map(|rule| format!("no case makes `{rule}` fire"));
        let quiet = self.rules.difference(&self.quiet).map(|rule| format!("no case keeps `{rule}` quiet"));
        fires.chain(quiet).collect()
    }
}
