import { byBytes } from './text.js';
import { seconds } from './time.js';

/** How far a time may lie in the future before it cannot be true: clocks differ by minutes. */
const CLOCK_SKEW = 300;

/** Why an approval does not count. */
export const Objection = Object.freeze({
  NOBODY: 'it names nobody',
  OWN: "it is the submitter's own",
  NOT_HUMAN: 'it does not come from a human',
  OTHER_LIST: 'it is for another list',
  OTHER_MODE: 'it is for another mode',
  OTHER_KINDS: 'it is for other kinds or counts',
  OTHER_TENANTS: 'it is for another number of tenants',
});

/** The batch as a policy sees it. */
export class Case {
  constructor(review, settings, data) {
    const { claims, facts } = review ?? {};
    if (!claims || !facts) throw new TypeError('the review has no claims or no facts');
    this.claims = claims;
    this.facts = facts;
    this.inventory = facts.inventory ?? null;
    this.settings = settings;
    /** The bytes of the reference data of that name. */
    this.data = data;
  }

  /** Whether the targets cannot be brought back by the system itself. */
  isHard() {
    return this.claims.mode === 'hard';
  }

  /** Picks the limit for this batch's mode. */
  byMode(hard, soft) {
    return this.isHard() ? hard : soft;
  }

  /** Whether something that was true at `at` may be relied on: at most `most` seconds old, and not in the future. */
  isFresh(at, most) {
    const age = this.#age(at);
    return age >= -CLOCK_SKEW && (age < 0 || age <= most);
  }

  /** Whether a time lies so far ahead that no clock explains it. */
  isFuture(at) {
    return this.#age(at) < -CLOCK_SKEW;
  }

  /** What the clock in a zone shows: seconds since 1970-01-01T00:00:00 there; null where the host does not say. */
  local(zone) {
    const ahead = this.facts.zones?.[zone];
    return ahead === undefined ? null : seconds(this.facts.evaluated_at) + ahead;
  }

  /** The list that evidence has to name: this one, or the whole of which this is a wave. */
  evidence() {
    return this.facts.whole ?? this.facts;
  }

  /** The people whose approval counts: human, not the submitter, for exactly this list in this mode with these kinds
   * and tenants, and at most `maxAge` seconds old. Nobody counts twice, however the name is written. */
  approvers(maxAge) {
    const approvals = (this.claims.approvals ?? []).filter((approval) => {
      return this.objection(approval) === null && approval.at != null && this.isFresh(approval.at, maxAge);
    });
    const people = new Map(approvals.map(({ by }) => [lower(said(by)), said(by)]));
    return new Set([...people.values()].sort(byBytes));
  }

  /** Why an approval does not count, if it does not. How old it may be is for the asker to say. */
  objection(approval) {
    const { actor } = this.claims;
    const submitters = [said(actor?.id), said(actor?.on_behalf_of)].filter((submitter) => submitter !== null);
    const by = said(approval.by);
    if (by === null) return Objection.NOBODY;
    if (submitters.some((submitter) => lower(submitter) === lower(by))) return Objection.OWN;
    if (approval.type !== 'human') return Objection.NOT_HUMAN;
    const list = this.evidence();
    if (approval.targets_sha256 !== list.targets_sha256) return Objection.OTHER_LIST;
    if (approval.mode !== this.claims.mode) return Objection.OTHER_MODE;
    const { counts, others, unknown } = list.kinds;
    if (!sameCounts(approval.kinds, counts) || others + unknown > 0) return Objection.OTHER_KINDS;
    const { tenants } = list;
    if (approval.tenants !== tenants.distinct + tenants.unknown) return Objection.OTHER_TENANTS;
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

/** What Unicode calls white space. `trim` of this language has another opinion of two characters. */
const SPACE = '[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const MARGIN = new RegExp(`^${SPACE}+|${SPACE}+$`, 'g');

/** What a text field says: null where it is absent, empty or white space. */
export function said(text) {
  return text?.replace(MARGIN, '') || null;
}

/** Whether two kinds are the same but for their name space, their case and their plural: `AWS::S3::Buckets` is
 * `bucket`. A name with anything but ASCII in it is only the same as itself. */
export function sameKind(a, b) {
  return lower(plain(a)) === lower(plain(b));
}

function plain(kind) {
  const name = kind.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, '').replace(/^.*[:/.]/s, '');
  // A plural has two bytes in front of its `s`, and the last of them is none.
  const isPlural = /[^sS][sS]$/.test(name) && (name.length > 2 || name.charCodeAt(0) > 127);
  return isPlural ? name.slice(0, -1) : name;
}

/** Only ASCII letters have two cases here. */
function lower(text) {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
