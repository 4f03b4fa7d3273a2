//! `reprieve policy test`: runs the cases of a policy in the sandbox.

use super::{NAME, Subject, builder, cases_of, describe};
use crate::error::page;
use crate::files::{Readers, write_whole};
use crate::project::{Built, Project};
use anyhow::{Context, ensure};
use clap::Args;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use reprieve::model::FaultCause;
use reprieve_cases::{Case, CaseFile, Difference, Expected, actual_findings, cases_below, differences};
use reprieve_report::output::{Page, plain};
use reprieve_report::status::Status;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Run the cases of a policy, and report rules that no case triggers and rules that every case triggers
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// The folder of the cases [default: `cases` in the folder of the policy, or `cases/NAME`]
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// Update the cases with the actual results
    #[arg(long)]
    bless: bool,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Fail unless, for every rule, one case triggers it and another does not
    #[arg(long)]
    require_coverage: bool,
    /// Build and run again when a file is saved
    #[arg(long)]
    watch: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    if !arguments.watch {
        return once(arguments);
    }
    crate::watch::each_change(&arguments.subject.policy, || {
        let result = once(arguments);
        match &result {
            Ok(_) => {}
            Err(error) => page(error).print()?,
        }
        outln!()?;
        match &result {
            Ok(Status::Success) => outln!("passed; waiting for changes")?,
            Ok(_) => outln!("failed; waiting for changes")?,
            Err(_) => outln!("waiting for changes")?,
        }
        Ok(())
    })
}

fn once(arguments: &Arguments) -> anyhow::Result<Status> {
    let Subject { policy, name } = &arguments.subject;
    let folder = match &arguments.cases {
        Some(folder) => folder.clone(),
        None => {
            let beside = policy.parent().unwrap_or(Path::new(""));
            let folder = if policy.is_dir() { policy.as_path() } else { beside };
            cases_of(folder, name.as_deref())
        }
    };
    ensure!(policy.exists(), "{}: no such file or folder", policy.display());
    let paths = cases_below(&folder)?;
    let built = arguments.subject.component()?;
    describe(&built)?;
    let mut traced = Traced { policy, module: None };
    let mut suite = TestSuite::new(plain(&built.path.display().to_string()).into_owned());
    let mut coverage = Coverage::default();
    let mut failed = 0;
    for path in &paths {
        let case = Case::open(path)?;
        let differences = vet(&case, &built, &mut traced, arguments.bless, &mut coverage)?;
        let mut status = TestCaseStatus::success();
        let (name, about) = (case.name(), plain(&case.about).into_owned());
        let name = plain(&name);
        if differences.is_empty() {
            outln!("ok    {name:<32} {about}")?;
        } else {
            failed += 1;
            let texts: Vec<String> = differences.iter().map(Difference::to_string).collect();
            let mut page = Page::default();
            line!(page, "FAIL  {name:<32} {about}");
            texts.iter().for_each(|text| page.message("       ", text));
            page.print()?;
            let lines: Vec<_> = texts.iter().flat_map(|text| text.lines()).map(plain).collect();
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(lines.join("\n"));
        }
        suite.add_test_case(TestCase::new(name, status));
    }
    outln!()?;
    outln!("{} of {} cases passed", paths.len() - failed, paths.len())?;
    let gaps = coverage.gaps();
    gaps.iter().try_for_each(|gap| outln!("{}", plain(gap)))?;
    if let Some(path) = &arguments.junit {
        let mut report = Report::new("reprieve policy test");
        report.add_test_suite(suite);
        let text = report.to_string().context("the report cannot be written")?;
        write_whole(path, text.as_bytes(), Readers::All)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let uncovered = arguments.require_coverage && !gaps.is_empty();
    Ok(if failed > 0 || uncovered { Status::Deny } else { Status::Success })
}

/// Vets one case, and compares the result with the expected one.
fn vet(
    case: &Case,
    built: &Built,
    traced: &mut Traced<'_>,
    bless: bool,
    coverage: &mut Coverage,
) -> anyhow::Result<Vec<Difference>> {
    let gate = case
        .gate(case.with_policy(builder(built), NAME, built.policy.as_deref(), &built.bytes))
        .with_context(|| case.path.display().to_string())?;
    let mut document = case.decide(&gate).with_context(|| case.path.display().to_string())?;
    if document.faults.iter().any(|fault| fault.cause == FaultCause::Trap)
        && let Some(module) = traced.module()?
    {
        let builder = builder(built).pinned(module).trace();
        document = case.decide(&case.gate(case.with_policy(builder, NAME, built.policy.as_deref(), module))?)?;
    }
    let rules = gate.policies().flat_map(|policy| &policy.descriptor.rules).map(|rule| rule.code.clone());
    coverage.add(rules, document.findings.iter().map(|finding| finding.rule.as_str()));
    if bless {
        ensure!(
            document.faults.is_empty(),
            "{}: a fault cannot be an expected result: {}",
            case.path.display(),
            document.faults[0].message
        );
        let mut file = CaseFile::read(&case.path)?;
        let expect =
            Expected { decision: document.decision, codes: Vec::new(), findings: Some(actual_findings(&document)) };
        if file.expect != expect {
            file.expect = expect;
            file.write(&case.path)?;
        }
        return Ok(Vec::new());
    }
    Ok(differences(&case.expected, &document))
}

/// The policy with line tables, so that a trap names its place. It is built when the first case needs it.
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

/// The rules that some case triggers, and the rules that some case does not trigger.
#[derive(Default)]
struct Coverage {
    rules: BTreeSet<String>,
    triggered: BTreeSet<String>,
    untriggered: BTreeSet<String>,
}

impl Coverage {
    fn add<'a>(&mut self, rules: impl Iterator<Item = String>, triggered: impl Iterator<Item = &'a str>) {
        let triggered: BTreeSet<String> = triggered.map(str::to_owned).collect();
        for rule in rules {
            if !triggered.contains(&rule) {
                self.untriggered.insert(rule.clone());
            }
            self.rules.insert(rule);
        }
        self.triggered.extend(triggered);
    }

    fn gaps(&self) -> Vec<String> {
        let never = self.rules.difference(&self.triggered).map(|rule| format!("no case triggers `{rule}`"));
        let always = self.rules.difference(&self.untriggered).map(|rule| format!("every case triggers `{rule}`"));
        never.chain(always).collect()
    }
}
