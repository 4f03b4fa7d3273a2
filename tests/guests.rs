//! Hostile guests: each ends in the right fault, within its bound, and disturbs nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve::model::Verdict;
use reprieve::{Gate, Limits, PolicyEntry, PolicySet};
use reprieve_tests::{GUESTS, batch, gate_of, guest};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Guests that load, and what vetting comes to: the cause of the fault, or the verdict.
const RUNS: &[(&str, &str)] = &[
    ("a_hundred_findings", "findings"),
    ("a_million_findings", "fuel"),
    ("content", "allow"),
    ("declines", "declined"),
    ("deep_recursion", "stack"),
    ("denies", "deny"),
    ("huge_message", "text"),
    ("infinite_loop", "fuel"),
    ("invalid_utf8", "invalid-output"),
    ("memory_bomb", "memory"),
    ("more_than_may_be_returned", "returned-bytes"),
    ("remembers", "allow"),
    ("rows_out_of_range", "invalid-output"),
    ("slow_burn", "allow"),
    ("trap", "trap"),
    ("undeclared_rule", "invalid-output"),
];

/// Guests that do not load, and what is said about them.
const REFUSED: &[(&str, &str)] = &[
    ("bad_column", "there is no column `legal_hodl`; did you mean `legal_hold`?"),
    ("bad_default", "the default of the setting `/most`: 200 is greater than the maximum of 100"),
    ("bad_name", "the name `Not A Name` is not kebab-case"),
    ("bad_schema", "the schema of its settings is none: at `/properties/most/type`"),
    ("fault_in_describe", "it cannot say what it is: trap"),
    ("gates_name", "the name `gate` is the gate's own"),
    ("imports", "it imports the function `$root::delete-everything`"),
    ("no_world", "it is not a policy"),
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
            fault.cause.clone()
        }
        faults => panic!("one policy, and {} faults", faults.len()),
    }
}

#[test]
fn every_guest_is_used() {
    let used: BTreeSet<&str> = RUNS.iter().chain(REFUSED).map(|(name, _)| *name).collect();
    let built: BTreeSet<&str> = GUESTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(used, built);
}

#[test]
fn each_guest_ends_in_its_own_fault() {
    for (name, expected) in RUNS {
        let begun = Instant::now();
        assert_eq!(outcome(&gate(name)), *expected, "{name}");
        // Far above what any of them takes, and far below what an unbounded one would.
        assert!(begun.elapsed() < Duration::from_secs(60), "{name} took {:?}", begun.elapsed());
    }
}

#[test]
fn what_is_no_policy_is_refused_by_name() {
    for (name, expected) in REFUSED {
        let error = gate_of(guest(name), |builder| builder).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn an_import_is_refused_in_a_component_too() {
    let component = reprieve_build::wrap("imports", guest("imports")).unwrap();
    let error = gate_of(&component, |builder| builder).unwrap_err().to_string();
    assert!(error.contains("it imports the function `delete-everything`"), "{error}");
}

#[test]
fn a_component_and_its_core_module_are_one_policy() {
    let component = reprieve_build::wrap("denies", guest("denies")).unwrap();
    assert_eq!(outcome(&gate_of(&component, |builder| builder).unwrap()), "deny");
}

#[test]
fn nothing_is_remembered() {
    let gate = gate("remembers");
    for _ in 0..50 {
        assert_eq!(outcome(&gate), "allow");
    }
}

#[test]
fn fuel_is_the_same_every_time() {
    let fuel = |gate: &Gate| gate.vet(batch()).document().policies[0].fuel;
    let gate = gate("slow_burn");
    let first = fuel(&gate);
    let limits = Limits::default();
    assert!(first > limits.fuel / 2 && first < limits.fuel, "it burns most of its fuel: {first}");
    for _ in 0..5 {
        assert_eq!(fuel(&gate), first);
    }
    assert_eq!(fuel(&gate_of(guest("slow_burn"), |builder| builder).unwrap()), first, "in another engine too");
}

#[test]
fn the_wall_clock_ends_what_fuel_does_not() {
    let limits = Limits { fuel: u64::MAX / 2, wall_ms: 100, ..Limits::default() };
    let gate = gate_of(guest("infinite_loop"), |builder| builder.limits(limits)).unwrap();
    let begun = Instant::now();
    assert_eq!(outcome(&gate), "wall-clock");
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

#[test]
fn a_limit_of_0_allows_nothing() {
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
fn others_are_not_disturbed() {
    let quiet = gate("content");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut runs = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                assert_eq!(outcome(&quiet), "allow");
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
fn one_gate_serves_many_threads() {
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
fn a_function_that_would_choke_the_compiler_is_refused() {
    // Two thousand locals and ten thousand blocks: 60 KB of module that take the compiler seconds and gigabytes.
    let mut body = vec![0x01, 0xd0, 0x0f, 0x7f]; // 2,000 locals of type i32
    for _ in 0..10_000 {
        body.extend([0x20, 0x00, 0x04, 0x40, 0x0b]); // local.get 0, if, end
    }
    body.push(0x0b);
    let error = gate_of(&module(&body), |builder| builder).unwrap_err().to_string();
    assert!(error.contains("function 1's locals times blocks is 20002000, and 1000000 is allowed"), "{error}");
    let error = gate_of(&module(&vec![0x01; 300_000]), |builder| builder).unwrap_err().to_string();
    assert!(error.contains("function 1's size in bytes"), "{error}");

    // Loops in loops take the compiler time that grows with the square of their depth: 150 KB of them take minutes.
    let nested = |depth: usize| {
        let mut body = vec![0x00]; // no locals
        body.extend([0x03, 0x40].repeat(depth)); // loop
        body.extend([0x0b].repeat(depth + 1)); // end
        gate_of(&module(&body), |builder| builder).unwrap_err().to_string()
    };
    assert!(nested(33).contains("function 1's depth of loops is 33, and 32 is allowed"), "{}", nested(33));
    assert!(nested(32).contains("it is not a policy"), "{}", nested(32));
}

#[test]
fn a_module_of_many_such_functions_is_refused() {
    let mut body = vec![0x01, 0xf4, 0x03, 0x7f]; // 500 locals of type i32
    (0..1_900).for_each(|_| body.extend([0x20, 0x00, 0x04, 0x40, 0x0b]));
    body.push(0x0b);
    let error = gate_of(&modules(&vec![body; 22]), |builder| builder).unwrap_err().to_string();
    assert!(error.contains("the sum of locals times blocks over all functions"), "{error}");
}

/// A module with one function of that body.
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

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[test]
fn what_is_not_wasm_is_refused() {
    for bytes in [&b""[..], b"hello", b"\0asm", b"\0asm\x01\0\0\0\xff\xff"] {
        let error = gate_of(bytes, |builder| builder).unwrap_err().to_string();
        assert!(error.contains("not a valid wasm module"), "{error}");
    }
}

#[test]
fn an_operator_may_give_a_policy_less_memory() {
    let vet = |memory| {
        let entry = PolicyEntry { source: "policy.wasm".to_owned(), memory, ..PolicyEntry::builtin("") };
        let set = PolicySet::of(vec![entry]);
        let gate = Gate::builder().policies(set, None).file("policy.wasm", guest("content").to_owned()).build();
        gate.unwrap().vet(batch()).document().clone()
    };
    assert_eq!(vet(None).decision, Verdict::Allow);
    assert_eq!(vet(Some(8)).decision, Verdict::Allow);
    for too_little in [1, 0] {
        let document = vet(Some(too_little));
        assert_eq!(document.decision, Verdict::Undecided);
        assert_eq!(document.faults[0].cause, "memory");
    }
    assert_eq!(vet(Some(u64::MAX)).decision, Verdict::Allow, "more than the host allows is what the host allows");
}

#[test]
fn the_built_in_policies_would_be_admitted() {
    for name in reprieve::builtins::names() {
        let component = reprieve::builtins::component(name).unwrap();
        gate_of(component, |builder| builder).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
