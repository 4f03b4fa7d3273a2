//! JUnit XML: a test case for the decision, and one for each policy.

use super::{Level, Printed, Remark};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

pub(super) fn render(printed: &Printed<'_>) -> anyhow::Result<String> {
    let mut suite = TestSuite::new("reprieve");
    suite.add_test_case(TestCase::new("decision", decision(printed)));
    let remarks = printed.remarks();
    for policy in &printed.document.policies {
        let of_policy =
            |level: Level| remarks.iter().filter(move |remark| remark.policy == policy.name && remark.level == level);
        let mut case = TestCase::new(policy.name.as_str(), status(of_policy(Level::Error)));
        case.set_classname("reprieve");
        let warnings: Vec<String> = of_policy(Level::Warning).map(in_words).collect();
        if !warnings.is_empty() {
            case.set_system_out(warnings.join("\n"));
        }
        suite.add_test_case(case);
    }
    let mut report = Report::new("reprieve");
    report.add_test_suite(suite);
    Ok(report.to_string()? + "\n")
}

fn decision(printed: &Printed<'_>) -> TestCaseStatus {
    if printed.is_allowed() {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(printed.headline());
    status
}

/// The status of the test case of a policy with these errors.
fn status<'a>(errors: impl Iterator<Item = &'a Remark<'a>>) -> TestCaseStatus {
    let errors: Vec<String> = errors.map(in_words).collect();
    let Some(first) = errors.first() else { return TestCaseStatus::success() };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(first.as_str()).set_description(errors.join("\n"));
    status
}

fn in_words(remark: &Remark<'_>) -> String {
    format!("{}: {}; help: {}", remark.code, remark.message, remark.help)
}
