import { compareUtf8 } from './text.js';
import { seconds } from './time.js';

/** How many seconds a time may lie in the future and still be valid. Clocks differ by minutes. */
const MAX_CLOCK_SKEW = 300;

/** Why an approval does not count. */
export const ApprovalIssue = Object.freeze({
  NOBODY: 'it names nobody',
  OWN: "it is the submitter's own",
  NOT_HUMAN: 'it does not come from a human',
  OTHER_LIST: 'it is for another list',
  OTHER_MODE: 'it is for another mode',
  OTHER_KINDS: 'it is for other kinds or counts',
  OTHER_TENANTS: 'it is for another number of tenants',
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
    if (approval.type !== 'human') return ApprovalIssue.NOT_HUMAN;
    const list = this.evidence();
    if (approval.targets_sha256 !== list.targets_sha256) return ApprovalIssue.OTHER_LIST;
    if (approval.mode !== this.claims.mode) return ApprovalIssue.OTHER_MODE;
    const { counts, others, unknown } = list.kinds;
    if (!sameCounts(approval.kinds, counts) || others + unknown > 0) return ApprovalIssue.OTHER_KINDS;
    const { tenants } = list;
    if (approval.tenants !== tenants.distinct + tenants.unknown) return ApprovalIssue.OTHER_TENANTS;
    return null;
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

// Unicode white space. `trim` would also remove U+FEFF, which is not white space, and would leave U+0085, which is.
const WHITE_SPACE = '[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const MARGIN = new RegExp(`^${WHITE_SPACE}+|${WHITE_SPACE}+$`, 'g');

/** The text without surrounding white space; null if it is absent, empty or only white space. */
export function nonBlank(text) {
  return text?.replace(MARGIN, '') || null;
}

/** Whether two kinds are equal, ignoring name space, case and plural: `AWS::S3::Buckets` equals `bucket`. Only ASCII
 * letters are compared without case. */
export function sameKind(a, b) {
  return lower(singular(a)) === lower(singular(b));
}

function singular(kind) {
  const name = kind.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, '').replace(/^.*[:/.]/s, '');
  // As in the Rust SDK, a plural has at least two bytes before its `s`, and the last of them is not an `s`.
  const isPlural = /[^sS][sS]$/.test(name) && (name.length > 2 || name.charCodeAt(0) > 127);
  return isPlural ? name.slice(0, -1) : name;
}

/** Changes ASCII letters only. */
function lower(text) {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
