//! The component of the built-in policies. They are in one component because a decision runs one after another: what they
//! share of their code is then in the processor's caches.

use reprieve_policy_authority::Authority;
use reprieve_policy_blast_radius::BlastRadius;
use reprieve_policy_identity::Identity;
use reprieve_policy_mode::Mode;
use reprieve_policy_provenance::Provenance;
use reprieve_policy_recovery::Recovery;
use reprieve_policy_rehearsal::Rehearsal;
use reprieve_policy_retention::Retention;
use reprieve_policy_timing::Timing;

reprieve_sdk::policies!(Authority, BlastRadius, Identity, Mode, Provenance, Recovery, Rehearsal, Retention, Timing,);
