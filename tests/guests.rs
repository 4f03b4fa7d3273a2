//! Hostile guests: each ends in the right fault, within its limits, and does not affect other evaluations.

use reprieve::model::{FaultCause, Verdict};
use reprieve::policy::{AdmissionError, LoadError, PolicyEntry, builtin_component, builtin_names};
use reprieve::{BuildError, Gate, Limits, PolicySet};
use reprieve_tests::{GUESTS, batch, gate_of, guest, leb};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Guests that load, and the result of vetting with them: the cause of the fault, or the verdict.
const RUNS: &[(&str, &str)] = &[
    ("a_hundred_findings", "findings"),
    ("a_million_findings", "fuel"),
    ("declines", "declined"),
    ("deep_recursion", "stack"),
    ("denies", "deny"),
    ("hostile_text", "deny"),
    ("huge_message", "text"),
    ("infinite_loop", "fuel"),
    ("invalid_utf8", "invalid-output"),
    ("memory_bomb", "memory"),
    ("passes", "allow"),
    ("remembers", "allow"),
    ("rows_out_of_range", "invalid-output"),
    ("slow_burn", "allow"),
    ("too_many_bytes", "returned-bytes"),
    ("trap", "trap"),
    ("undeclared_rule", "invalid-output"),
];

/// Guests that are not loaded, and the error message.
const REFUSED: &[(&str, &str)] = &[
    ("bad_column", "there is no column `legal_hodl`; did you mean `legal_hold`?"),
    ("bad_default", "the default of the setting `/max`: 200 is greater than the maximum of 100"),
    ("bad_name", "the name `Not A Name` is not kebab-case"),
    ("bad_schema", "the settings schema is not a valid JSON Schema: at `/properties/max/type`"),
    ("fault_in_describe", "its descriptor cannot be read: trap"),
    ("imports", "it imports the function `$root::delete-everything`"),
    ("many_policies", "the number of policies is 1000; at most 256 is allowed"),
    ("no_policies", "it is not a policy: it says that it holds none"),
    ("no_world", "it is not a policy"),
    ("old_contract", "it was built for the contract `reprieve:policy@0.1.0`"),
    ("reserved_name", "the name `gate` is reserved for the gate itself"),
    ("several", "it holds several policies"),
    ("wrong_world", "it is not a policy"),
];

fn gate(name: &str) -> Gate {
    gate_of(guest(name), |builder| builder).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The verdict, or the cause of the only fault.
fn outcome(gate: &Gate) -> String {
    let decision = gate.vet(batch());
    match decision.document().faults.as_slice() {
        [] => decision.verdict().as_str().to_owned(),
        [fault] => {
            assert_eq!(decision.verdict(), Verdict::Undecided, "a fault is never an allow");
            fault.cause.as_str().to_owned()
        }
        faults => panic!("one policy, but {} faults", faults.len()),
    }
}

#[test]
fn every_guest_is_used() {
    let used: BTreeSet<&str> = RUNS.iter().chain(REFUSED).map(|(name, _)| *name).collect();
    let built: BTreeSet<&str> = GUESTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(used, built);
}

#[test]
fn each_guest_ends_in_its_expected_result() {
    for (name, expected) in RUNS {
        let begun = Instant::now();
        assert_eq!(outcome(&gate(name)), *expected, "{name}");
        // Far more than any of them takes, and far less than an unbounded run.
        assert!(begun.elapsed() < Duration::from_secs(60), "{name} took {:?}", begun.elapsed());
    }
}

/// Faults that no guest of the table provokes, and the test that does.
const OTHER_TESTS: &[(FaultCause, &str)] = &[
    (FaultCause::WallClock, "the_wall_clock_limit_ends_a_run_with_unlimited_fuel"),
    (FaultCause::Table, "tables_of_all_modules_share_one_limit"),
    // Admission and the meters refuse earlier everything that is known to prevent an instance.
    (FaultCause::Instantiation, "none"),
];

#[test]
fn every_fault_cause_of_a_policy_is_provoked() {
    let provoked = |cause: &FaultCause| {
        RUNS.iter().any(|(_, result)| *result == cause.as_str())
            || OTHER_TESTS.iter().any(|(other, _)| other == cause)
    };
    let missing: Vec<_> = FaultCause::ALL.iter().filter(|cause| !cause.is_gate() && !provoked(cause)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn invalid_policies_are_refused_with_the_reason() {
    for (name, expected) in REFUSED {
        let error = gate_of(guest(name), |builder| builder).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn policies_of_an_old_contract_are_refused_with_help() {
    let component = reprieve_build::wrap("old_contract", guest("old_contract")).unwrap();
    for module in [guest("old_contract"), &component] {
        let error = Gate::builder().pinned(module).describe(module, None).unwrap_err();
        let found = match &error {
            BuildError::Module(LoadError::Admission(AdmissionError::Contract { found })) => found.as_str(),
            other => panic!("{other}"),
        };
        assert_eq!(found, "reprieve:policy@0.1.0");
        assert_eq!(error.help(), Some("build it again with the SDK of this version"));
        let error = gate_of(module, |builder| builder).unwrap_err();
        assert_eq!(error.help(), Some("build it again with the SDK of this version"), "{error}");
    }
}

#[test]
fn components_with_imports_are_refused() {
    let component = reprieve_build::wrap("imports", guest("imports")).unwrap();
    let error = gate_of(&component, |builder| builder).unwrap_err().to_string();
    assert!(error.contains("it imports the function `delete-everything`"), "{error}");
}

#[test]
fn components_and_core_modules_give_the_same_decision() {
    let component = reprieve_build::wrap("denies", guest("denies")).unwrap();
    assert_eq!(outcome(&gate_of(&component, |builder| builder).unwrap()), "deny");
}

#[test]
fn no_state_survives_an_evaluation() {
    let gate = gate("remembers");
    for _ in 0..50 {
        assert_eq!(outcome(&gate), "allow");
    }
}

#[test]
fn fuel_is_deterministic() {
    let fuel = |gate: &Gate| gate.vet(batch()).document().policies[0].fuel;
    let gate = gate("slow_burn");
    let first = fuel(&gate);
    let limits = Limits::default();
    assert!(first > limits.fuel / 2 && first < limits.fuel, "it uses more than half of its fuel: {first}");
    for _ in 0..5 {
        assert_eq!(fuel(&gate), first);
    }
    assert_eq!(fuel(&gate_of(guest("slow_burn"), |builder| builder).unwrap()), first, "in another engine too");
}

#[test]
fn the_wall_clock_limit_ends_a_run_with_unlimited_fuel() {
    let limits = Limits { fuel: u64::MAX / 2, wall_ms: 100, ..Limits::default() };
    let gate = gate_of(guest("infinite_loop"), |builder| builder.limits(limits)).unwrap();
    let begun = Instant::now();
    assert_eq!(outcome(&gate), "wall-clock");
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

#[test]
fn tables_of_all_modules_share_one_limit() {
    let elements = Limits::default().table_elements;
    gate_of(&with_second_table(guest("passes"), elements / 2), |builder| builder).unwrap();
    let error = gate_of(&with_second_table(guest("passes"), elements), |builder| builder).unwrap_err().to_string();
    assert!(error.contains("its descriptor cannot be read: table"), "{error}");
}

/// The module with a further table of this many elements, which nothing uses.
fn with_second_table(module: &[u8], elements: u64) -> Vec<u8> {
    const TABLES: u8 = 4;
    let (mut changed, mut rest) = (module[..8].to_vec(), &module[8..]);
    while let [id, after @ ..] = rest {
        let (length, body) = read_leb(after);
        let (body, next) = body.split_at(length);
        let body = if *id == TABLES {
            let (count, tables) = read_leb(body);
            let table = [vec![0x70, 0x00], leb(elements as usize)].concat(); // funcref, no maximum
            [leb(count + 1), tables.to_vec(), table].concat()
        } else {
            body.to_vec()
        };
        changed.extend([vec![*id], leb(body.len()), body].concat());
        rest = next;
    }
    changed
}

fn read_leb(bytes: &[u8]) -> (usize, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let (number, rest) = bytes.split_at(length);
    (number.iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f)), rest)
}

#[test]
fn limits_of_0_allow_nothing() {
    for (limits, cause) in [
        (Limits { fuel: 0, fuel_per_byte: 0, ..Limits::default() }, "fuel"),
        (Limits { findings: 0, ..Limits::default() }, "findings"),
        (Limits { text_bytes: 0, ..Limits::default() }, "text"),
    ] {
        match gate_of(guest("denies"), |builder| builder.limits(limits)) {
            Ok(gate) => assert_eq!(outcome(&gate), cause),
            Err(error) => assert!(error.to_string().contains(cause), "{cause}: {error}"),
        }
    }
    for limits in [
        Limits { module_bytes: 0, ..Limits::default() },
        Limits { functions: 0, ..Limits::default() },
        Limits { function_bytes: 0, ..Limits::default() },
        Limits { memory_bytes: 0, ..Limits::default() },
    ] {
        assert!(gate_of(guest("denies"), |builder| builder.limits(limits.clone())).is_err(), "{limits:?}");
    }
}

#[test]
fn hostile_guests_do_not_affect_other_evaluations() {
    let passes = gate("passes");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut runs = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                assert_eq!(outcome(&passes), "allow");
                runs += 1;
            }
            runs
        });
        for name in ["infinite_loop", "memory_bomb", "deep_recursion", "trap", "a_million_findings"] {
            outcome(&gate(name));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(watcher.join().unwrap() > 0);
    });
}

#[test]
fn one_gate_can_be_used_from_many_threads() {
    let gate = Gate::builder().build().unwrap();
    let expected = serde_json::to_value(gate.vet(batch()).document()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..40 {
            let gate = gate.clone();
            let expected = &expected;
            scope.spawn(move || assert_eq!(serde_json::to_value(gate.vet(batch()).document()).unwrap(), *expected));
        }
    });
}

#[test]
fn functions_that_are_too_costly_to_compile_are_refused() {
    // Two thousand locals and ten thousand blocks: compiling this module of 60 KB takes seconds and gigabytes.
    let mut body = vec![0x01, 0xd0, 0x0f, 0x7f]; // 2,000 locals of type i32
    for _ in 0..10_000 {
        body.extend([0x20, 0x00, 0x04, 0x40, 0x0b]); // local.get 0, if, end
    }
    body.push(0x0b);
    let error = gate_of(&module(&body), |builder| builder).unwrap_err().to_string();
    assert!(error.contains("function 1's complexity is 20002000; at most 1000000 is allowed"), "{error}");
    let error = gate_of(&module(&vec![0x01; 300_000]), |builder| builder).unwrap_err().to_string();
    assert!(error.contains("function 1's size in bytes"), "{error}");

    // Compile time grows with the square of the depth of nested loops: 150 KB of them take minutes.
    let nested = |depth: usize| {
        let mut body = vec![0x00]; // no locals
        body.extend([0x03, 0x40].repeat(depth)); // loop
        body.extend([0x0b].repeat(depth + 1)); // end
        gate_of(&module(&body), |builder| builder).unwrap_err().to_string()
    };
    assert!(nested(33).contains("function 1's depth of loops is 33; at most 32 is allowed"), "{}", nested(33));
    assert!(nested(32).contains("it is not a policy"), "{}", nested(32));
}

#[test]
fn modules_that_are_too_costly_to_compile_are_refused() {
    let mut body = vec![0x01, 0xf4, 0x03, 0x7f]; // 500 locals of type i32
    (0..1_900).for_each(|_| body.extend([0x20, 0x00, 0x04, 0x40, 0x0b]));
    body.push(0x0b);
    let error = gate_of(&modules(&vec![body; 22]), |builder| builder).unwrap_err().to_string();
    assert!(error.contains("the complexity of all functions"), "{error}");
}

/// A module with one function.
fn module(body: &[u8]) -> Vec<u8> {
    modules(&[body.to_vec()])
}

/// A module with functions of these bodies.
fn modules(bodies: &[Vec<u8>]) -> Vec<u8> {
    let count = leb(bodies.len());
    let section = |id: u8, content: Vec<u8>| [vec![id], leb(content.len()), content].concat();
    let code: Vec<u8> = bodies.iter().flat_map(|body| [leb(body.len()), body.clone()].concat()).collect();
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    module.extend(section(1, vec![1, 0x60, 0, 0]));
    module.extend(section(3, [count.clone(), vec![0; bodies.len()]].concat()));
    module.extend(section(10, [count, code].concat()));
    module
}

#[test]
fn files_that_are_not_wasm_are_refused() {
    for bytes in [&b""[..], b"hello", b"\0asm", b"\0asm\x01\0\0\0\xff\xff"] {
        let error = gate_of(bytes, |builder| builder).unwrap_err().to_string();
        assert!(error.contains("not a valid wasm module"), "{error}");
    }
}

#[test]
fn operators_can_lower_the_memory_of_a_policy() {
    let vet = |memory| {
        let entry = PolicyEntry { source: "policy.wasm".to_owned(), memory, ..PolicyEntry::builtin("") };
        let set = PolicySet::of(vec![entry]);
        let gate = Gate::builder().policies(set, None).file("policy.wasm", guest("passes").to_owned());
        let gate = gate.pinned(guest("passes")).build();
        gate.unwrap().vet(batch()).document().clone()
    };
    assert_eq!(vet(None).decision, Verdict::Allow);
    assert_eq!(vet(Some(8)).decision, Verdict::Allow);
    for too_little in [1, 0] {
        let document = vet(Some(too_little));
        assert_eq!(document.decision, Verdict::Undecided);
        assert_eq!(document.faults[0].cause, FaultCause::Memory);
    }
    assert_eq!(vet(Some(u64::MAX)).decision, Verdict::Allow, "a higher limit than the host's has no effect");
}

#[test]
fn built_in_policies_pass_admission() {
    let module = builtin_component();
    for name in builtin_names() {
        let gate = gate_of_set(module, set_of(Some(name))).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(gate.policies().next().unwrap().descriptor.name, name);
    }
}

#[test]
fn a_module_with_several_policies_requires_the_name_of_one() {
    let error = |name| gate_of_set(builtin_component(), set_of(name)).unwrap_err();
    let names = builtin_names().collect::<Vec<_>>().join(", ");
    let none = error(None);
    assert!(none.to_string().contains("it holds several policies"), "{none}");
    assert_eq!(
        none.help().unwrap(),
        format!("its policies are {names}; set `name` to one of them in its entry of the policy set")
    );
    let near = error(Some("timings"));
    assert!(near.to_string().contains("it holds no policy `timings`"), "{near}");
    assert_eq!(near.help(), Some("did you mean `timing`?"));
}

#[test]
fn each_policy_of_a_module_is_selected_and_answers_for_itself() {
    let gate = |name| gate_of_set(guest("several"), set_of(Some(name)));
    for name in ["first", "second"] {
        let gate = gate(name).unwrap();
        assert_eq!(gate.policies().next().unwrap().descriptor.name, name);
        assert_eq!(outcome(&gate), "allow", "{name}");
    }
    let endless = gate("endless").unwrap_err().to_string();
    assert!(endless.contains("its descriptor cannot be read: fuel"), "{endless}");
    let renamed = gate("renamed").unwrap_err().to_string();
    assert!(renamed.contains("it holds no policy `renamed`"), "{renamed}");
}

#[test]
fn the_name_of_a_policy_is_that_of_its_descriptor() {
    let module = guest("passes");
    let name = Gate::builder().pinned(module).describe(module, None).unwrap().0.name;
    gate_of_set(module, set_of(Some(&name))).unwrap();
    let error = gate_of_set(module, set_of(Some("other"))).unwrap_err();
    assert!(error.to_string().contains("it holds no policy `other`"), "{error}");
    assert_eq!(
        error.help().unwrap(),
        format!("its policies are {name}; set `name` to one of them in its entry of the policy set")
    );
}

fn set_of(name: Option<&str>) -> PolicySet {
    let entry = PolicyEntry { source: "policy.wasm".to_owned(), ..PolicyEntry::builtin("") };
    PolicySet::of(vec![PolicyEntry { name: name.map(str::to_owned), ..entry }])
}

fn gate_of_set(module: &[u8], set: PolicySet) -> Result<Gate, BuildError> {
    Gate::builder().policies(set, None).file("policy.wasm", module.to_owned()).pinned(module).build()
}
