//! The built-in policies as they are loaded.

use super::*;
use crate::engine::limited;
use crate::limits::Limits;
use reprieve_model::FaultCause;
use wasmtime::Config;

fn sandbox(limits: Limits, change: impl FnOnce(&mut Config)) -> Sandbox {
    let mut config = limited(&limits, false);
    change(&mut config);
    Sandbox::of(config, limits, None, None, false).unwrap()
}

fn load_all(sandbox: &Sandbox) -> Vec<Policy> {
    reprieve_builtin::names().zip(0..).map(|(_, index)| sandbox.load_builtin(index).unwrap()).collect()
}

#[test]
fn the_built_in_policies_have_code_that_fits_whatever_the_limits() {
    let other = Limits { stack_bytes: 64 << 10, fuel: 1 << 40, memory_bytes: 32 << 20, ..Limits::default() };
    for limits in [Limits::default(), other] {
        for (name, policy) in reprieve_builtin::names().zip(load_all(&sandbox(limits, |_| {}))) {
            assert_eq!(policy.descriptor.name, name);
            assert_eq!((policy.unfit, policy.uncached), (None, None), "{name}");
        }
    }
}

#[test]
fn a_built_in_policy_whose_code_does_not_fit_is_compiled() {
    let fits = sandbox(Limits::default(), |_| {});
    let differs = sandbox(Limits::default(), |config| {
        config.memory_init_cow(false);
    });
    let (as_built, compiled) = (fits.load_builtin(8).unwrap(), differs.load_builtin(8).unwrap());
    assert_eq!(as_built.unfit, None);
    assert!(compiled.unfit.is_some());
    assert_eq!(compiled.uncached.as_deref(), Some("there is no cache"));
    let described = |policy: &Policy| format!("{:?}", policy.descriptor);
    assert_eq!(described(&as_built), described(&compiled));
    assert_eq!(differs.validate(&compiled, "{}", &Data::new()), Ok(()));
    assert_eq!(differs.load_builtin(0).unwrap().unfit, None, "it is compiled, and reported, once");
}

#[test]
fn a_policy_that_a_component_does_not_have_cannot_be_selected() {
    let error = sandbox(Limits::default(), |_| {}).load_builtin(9).unwrap_err();
    assert!(matches!(&error, LoadError::Fault(fault) if fault.cause == FaultCause::Trap), "{error}");
}

#[test]
fn several_engines_run_the_same_built_in_policies() {
    let sandboxes = [0; 3].map(|_| sandbox(Limits::default(), |_| {}));
    let mut loaded: Vec<_> = sandboxes.iter().map(|sandbox| (sandbox, load_all(sandbox))).collect();
    let are_valid = |(sandbox, policies): &(&Sandbox, Vec<Policy>)| {
        policies.iter().all(|policy| sandbox.validate(policy, "{}", &Data::new()) == Ok(()))
    };
    // Whichever of them has the code in place, the others run without it.
    while !loaded.is_empty() {
        assert!(loaded.iter().all(are_valid));
        drop(loaded.remove(0));
    }
}
