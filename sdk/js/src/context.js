import { compareUtf8 } from './text.js';
import { seconds } from './time.js';
import { lower, nonBlank } from './words.js';

/** How many seconds a time may lie in the future and still be valid. Clocks differ by minutes. */
const MAX_CLOCK_SKEW = 300;

/** Why an approval does not count. */
/** Evidence has no token, and only signed evidence counts. */
const NOT_SIGNED = Symbol('not signed');

export const ApprovalIssue = Object.freeze({
  NOBODY: 'it names nobody',
  OWN: "it is the submitter's own",
  AUTHOR: 'it is by the author of the list',
  BAD_TOKEN: 'its token does not show that the approver made it',
  NOT_SIGNED: 'it is not signed, and only signed approvals count',
  NOT_HUMAN: 'it does not come from a human',
  OTHER_LIST: 'it is for another list',
  OTHER_MODE: 'it is for another mode',
  OTHER_KINDS: 'it is for other kinds or counts',
  OTHER_TENANTS: 'it is for another number of tenants',
  OTHER_PROGRAM: 'it is for another program',
});

/** The batch as a policy sees it. */
export class Context {
  constructor(review, settings, data) {
    const { claims, facts } = review ?? {};
    if (!claims || !facts) throw new TypeError('the review has no claims or no facts');
    this.claims = claims;
    this.facts = facts;
    this.inventory = facts.inventory ?? null;
    this.settings = settings;
    /** Returns the bytes of the reference data of that name. */
    this.data = data;
  }

  /** Whether this is a hard delete: the system itself cannot restore the targets. */
  isHard() {
    return this.claims.mode === 'hard';
  }

  /** Whether this is a soft delete. What is unknown warns then; it denies a hard delete and a disabling. */
  isSoft() {
    return this.claims.mode === 'soft';
  }

  /** Returns `soft` for a soft delete, and else `strict`. */
  byMode(strict, soft) {
    return this.isSoft() ? soft : strict;
  }

  /** Whether evidence from the time `at` is still valid: at most `maxAge` seconds old, and not in the future. */
  isFresh(at, maxAge) {
    const age = this.#age(at);
    return age >= -MAX_CLOCK_SKEW && (age < 0 || age <= maxAge);
  }

  /** Whether a time lies further in the future than clock skew explains. */
  isFuture(at) {
    return this.#age(at) < -MAX_CLOCK_SKEW;
  }

  /** The local time in a zone, in seconds since 1970-01-01T00:00:00 there; null if the host did not supply it. */
  local(zone) {
    const offset = this.facts.zones?.[zone];
    return offset === undefined ? null : seconds(this.facts.evaluated_at) + offset;
  }

  /** The list that evidence must name: this list, or the whole list if this batch is a wave of it. */
  evidence() {
    return this.facts.whole ?? this.facts;
  }

  /** The people whose approval counts: human, not the submitter, for exactly this list in this mode with these kinds
   * and tenants, and at most `maxAge` seconds old. Sorted, each once; ASCII case is ignored. */
  approvers(maxAge) {
    const approvals = (this.claims.approvals ?? []).filter((approval) => {
      return this.approvalIssue(approval) === null && approval.at != null && this.isFresh(approval.at, maxAge);
    });
    const people = new Map(approvals.map(({ by }) => [lower(nonBlank(by)), nonBlank(by)]));
    return new Set([...people.values()].sort(compareUtf8));
  }

  /** Why an approval does not count; null if it does. Does not check its age. */
  approvalIssue(approval) {
    const { actor } = this.claims;
    const submitters = [nonBlank(actor?.id), nonBlank(actor?.on_behalf_of)].filter((submitter) => submitter !== null);
    const by = nonBlank(approval.by);
    if (by === null) return ApprovalIssue.NOBODY;
    if (submitters.some((submitter) => lower(submitter) === lower(by))) return ApprovalIssue.OWN;
    const author = nonBlank(this.claims.provenance?.extracted_by);
    if (author !== null && lower(author) === lower(by)) return ApprovalIssue.AUTHOR;
    const signature = this.#approvalSignatureIssue(approval);
    if (signature !== null) return signature;
    if (approval.type !== 'human') return ApprovalIssue.NOT_HUMAN;
    const list = this.evidence();
    if (approval.targets_sha256 !== list.targets_sha256) return ApprovalIssue.OTHER_LIST;
    if (approval.mode !== this.claims.mode) return ApprovalIssue.OTHER_MODE;
    const { counts, others, unknown } = list.kinds;
    if (!sameCounts(approval.kinds, counts) || others + unknown > 0) return ApprovalIssue.OTHER_KINDS;
    const { tenants } = list;
    // What the batch reaches beyond its list was not approved with the list. A wave reaches a part of the whole.
    const reached = this.facts.whole ? 0 : this.facts.tenants_at_most;
    if (approval.tenants !== Math.max(tenants.distinct + tenants.unknown, reached)) return ApprovalIssue.OTHER_TENANTS;
    const program = nonBlank(this.claims.operation?.program_sha256);
    if (program !== nonBlank(approval.program_sha256)) return ApprovalIssue.OTHER_PROGRAM;
    return null;
  }

  /** What the host found out about the token of what is at a place of the request, for example `/approvals/0`; null if it
   * has no token. */
  signature(field) {
    return this.facts.signatures?.tokens.find((signature) => signature.field === field) ?? null;
  }

  /** Why the signature of the dry run or of a backup, or the lack of one, keeps it from counting; null if it counts. `field`
   * is its place, and `token` what it states. */
  attestationIssue(field, token) {
    const issue = this.#signatureIssue(field, token, this.facts.signatures?.attestations_required);
    if (issue === null) return null;
    return issue === NOT_SIGNED ? 'it is not signed, and only signed evidence counts' : `its token is not valid: ${issue}`;
  }

  /** Why the signature of an approval, or the lack of one, keeps it from counting. */
  #approvalSignatureIssue(approval) {
    const field = `/approvals/${(this.claims.approvals ?? []).indexOf(approval)}`;
    const issue = this.#signatureIssue(field, approval.token, this.facts.signatures?.approvals_required);
    if (issue === null) return null;
    return issue === NOT_SIGNED ? ApprovalIssue.NOT_SIGNED : ApprovalIssue.BAD_TOKEN;
  }

  #signatureIssue(field, token, required) {
    const signature = this.signature(field);
    if (signature !== null) return signature.issue ?? null;
    if (token != null) return 'it was not verified';
    return required ? NOT_SIGNED : null;
  }

  #age(at) {
    return seconds(this.facts.evaluated_at) - (typeof at === 'number' ? at : seconds(at));
  }
}

function sameCounts(a, b) {
  if (a == null) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
