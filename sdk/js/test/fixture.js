// Fixtures: a valid review that a test changes in one place, and columns in the form that the host passes.

export const DIGEST = '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

/** Two retired records of two tenants, soft-deleted with one approval. */
export function review(claims = {}, facts = {}) {
  const tally = { counts: { app: 2 }, others: 0, unknown: 0 };
  const approval = {
    by: 'alice', type: 'human', at: '2026-03-02T11:50:00Z', targets_sha256: DIGEST, mode: 'soft', kinds: { app: 2 },
    tenants: 2,
  };
  return {
    claims: {
      id: 'retire/1', mode: 'soft', environment: 'production', target_kind: 'app',
      actor: { id: 'svc-cleanup', type: 'automation', on_behalf_of: 'carol' }, approvals: [approval], ...claims,
    },
    facts: {
      evaluated_at: '2026-03-02T12:00:00Z', request_sha256: DIGEST, targets_sha256: DIGEST, targets: 2,
      tenants: { distinct: 2, unknown: 0 }, tenants_at_most: 2, kinds: tally, production: true, not_production: ['test'], ...facts,
    },
  };
}

/** The approval of `review`, with changes. */
export function approval(change) {
  return { ...review().claims.approvals[0], ...change };
}

/** Strings end to end. */
export function strings(texts) {
  const parts = texts.map((text) => Buffer.from(text ?? ''));
  const offsets = [0];
  for (const part of parts) offsets.push(offsets.at(-1) + part.length);
  return { offsets, bytes: Uint8Array.from(Buffer.concat(parts)) };
}

/** A bitmap of the values for which `holds` is true. */
export function bitmap(values, holds = (value) => value !== null) {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, i) => (bits[i >> 3] |= Number(holds(value)) << (i & 7)));
  return bits;
}

const ENCODE = {
  strings: strings,
  codes: (values) => ({ dictionary: strings(values), values: values.map((_, i) => i) }),
  u64s: (values) => values.map((value) => value ?? 0),
  i64s: (values) => values.map((value) => value ?? 0),
  bools: (values) => bitmap(values, (value) => value === true),
};

/** A column of a type; null is an unknown value. */
export function column(name, tag, values) {
  const validity = values.includes(null) ? bitmap(values) : null;
  return { name, values: { tag, val: ENCODE[tag](values) }, validity };
}
