// Checked by `npm run types` and never run: what a policy in TypeScript may say, and what it may not.

import { Invalid, Rows, type Rule, policy, said, seconds, utf8 } from '@reprieve/sdk';
import { world } from '@reprieve/sdk/world';

const TOO_BIG: Rule = {
  code: 'too-big',
  summary: 'A target is too big.',
  explanation: 'It takes long to bring back.',
  settings: ['most', 'kinds'],
};

interface State {
  big: Rows;
  kinds: Map<string, number>;
}

const made = policy({
  name: 'sizes',
  version: '0.1.0',
  summary: 'Looks at sizes.',
  settings: {
    most: { type: 'u64', doc: 'Bytes of a target.', default: 10, min: 0, max: 1000, unit: 'bytes' },
    kinds: { type: { list: 'string' }, doc: 'Kinds to look at.', default: ['app'] },
    weights: { type: { map: 'f64' }, doc: 'What a kind weighs.', default: { app: 0.5 } },
    strict: { type: 'bool', doc: 'Whether to be strict.', default: false },
  },
  rules: { TOO_BIG },
  columns: ['size_bytes', 'kind'],
  state: (): State => ({ big: new Rows(), kinds: new Map() }),
  validate(settings, data) {
    const bytes = data('list');
    if (bytes !== null && utf8(bytes) === settings.kinds[0]) throw new Invalid('the list is empty');
  },
  observe(batch, state, chunk) {
    const sizes = chunk.column('size_bytes').u64s();
    chunk.column('kind').judge(
      (kind) => batch.settings.weights[kind] ?? 1,
      (i, weight) => state.big.addIf((sizes[i] ?? 0) * (weight ?? 1) > batch.settings.most, chunk.row(i)),
    );
    // @ts-expect-error a row may be unknown
    const length: number = chunk.column('id').text(0).length;
  },
  merge(state, other) {
    state.big.merge(other.big);
    for (const [kind, count] of other.kinds) state.kinds.set(kind, (state.kinds.get(kind) ?? 0) + count);
  },
  check(batch, state, findings) {
    const text: string | null = said(batch.claims.reason?.text);
    const age = seconds(batch.facts.evaluated_at) - (batch.inventory?.closure.things ?? 0);
    findings.denyIf(batch.settings.strict, TOO_BIG, `${text} ${age}`).setting('most').rows(state.big).help('less');
    // @ts-expect-error there is no such setting
    findings.warn(TOO_BIG, 'm').setting('least');
    // @ts-expect-error there is no such fact
    batch.facts.target;
    // @ts-expect-error a setting has the type it was declared with
    batch.settings.most.length;
  },
});

world(made).describe().settingsSchema.length;

const rest = { name: 'a', version: '0.1.0', summary: 's', rules: {} };

// @ts-expect-error a policy has to check
policy(rest);

// @ts-expect-error the default is of another type
policy({ ...rest, settings: { a: { type: 'u64', doc: 'd', default: 'x' } }, check() {} });

// @ts-expect-error bounds come with a unit
policy({ ...rest, settings: { a: { type: 'u64', doc: 'd', default: 1, min: 0 } }, check() {} });

// @ts-expect-error only `policy` makes a policy
world(rest);
