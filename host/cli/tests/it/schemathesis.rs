//! Schemathesis, from PyPI, calls every route of the service with what the description allows and with what it does not. It
//! finds no answer that is not described, no error of the server, and nothing accepted that should not be.

use crate::support::fixture::fixture;
use crate::support::service::Service;
use std::path::Path;
use std::process::Command;

const VERSION: &str = "4.32.5";

/// The program, in an environment of its own below the target folder.
fn installed() -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schemathesis-{VERSION}"));
    let program = folder.join("bin/st");
    if !program.is_file() {
        let run = |command: &mut Command| {
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", &format!("schemathesis=={VERSION}")]));
    }
    program
}

#[test]
fn no_call_has_an_answer_that_is_not_described() {
    let program = installed();
    let fixture = fixture();
    let service = Service::start(&fixture);
    let mut command = Command::new(program);
    command.arg("run").arg(format!("{}/openapi.json", service.url)).current_dir(fixture.path());
    // A request has rules that no schema expresses, so some that fit the schema are refused.
    command.args([
        "--exclude-checks",
        "positive_data_acceptance",
        "--max-examples",
        "25",
        "--seed",
        "1",
        "--no-color",
    ]);
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("Tested: 1") || printed.contains("Tested: 2"), "{printed}");
}
