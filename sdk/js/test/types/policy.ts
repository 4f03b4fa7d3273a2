// Type-checked by `npm run types` and never run: what a policy in TypeScript may contain, and what it may not.

import { Invalid, Rows, type Rule, nonBlank, policy, seconds, utf8 } from '@reprieve/sdk';
import { world } from '@reprieve/sdk/world';

const TOO_BIG: Rule = {
  code: 'too-big',
  summary: 'A target is too big.',
  explanation: 'It takes long to bring back.',
  settings: ['max_bytes', 'kinds'],
  nature: 'missing',
  subject: 'targets',
  neverLifted: true,
};

interface State {
  big: Rows;
  kinds: Map<string, number>;
}

const sizes = policy({
  name: 'sizes',
  version: '0.1.0',
  summary: 'Limits sizes.',
  settings: {
    max_bytes: { type: 'u64', doc: 'Bytes of a target.', default: 10, min: 0, max: 1000, unit: 'bytes' },
    kinds: { type: { list: 'string' }, doc: 'Kinds to check.', default: ['app'] },
    weights: { type: { map: 'f64' }, doc: 'The weight of each kind.', default: { app: 0.5 } },
    strict: { type: 'bool', doc: 'Whether to be strict.', default: false },
  },
  rules: { TOO_BIG },
  limits: [{ measure: 'tenants-hard', setting: 'max_bytes' }],
  columns: ['size_bytes', 'kind'],
  state: (): State => ({ big: new Rows(), kinds: new Map() }),
  validate(settings, data) {
    const bytes = data('list');
    if (bytes !== null && utf8(bytes) === settings.kinds[0]) throw new Invalid('the list is empty');
  },
  observe(context, state, chunk) {
    const sizes = chunk.column('size_bytes').u64s();
    chunk.column('kind').mapDistinct(
      (kind) => context.settings.weights[kind] ?? 1,
      (i, weight) => state.big.addIf((sizes[i] ?? 0) * (weight ?? 1) > context.settings.max_bytes, chunk.row(i)),
    );
    // @ts-expect-error a row may be unknown
    const length: number = chunk.column('id').text(0).length;
  },
  merge(state, other) {
    state.big.merge(other.big);
    for (const [kind, count] of other.kinds) state.kinds.set(kind, (state.kinds.get(kind) ?? 0) + count);
  },
  check(context, state, findings) {
    const text: string | null = nonBlank(context.claims.reason?.text);
    const age = seconds(context.facts.evaluated_at) - (context.inventory?.closure.things ?? 0);
    const finding = findings.denyIf(context.settings.strict, TOO_BIG, `${text} ${age}`);
    finding.setting('max_bytes').rows(state.big).help('less').missing();
    // @ts-expect-error there is no such setting
    findings.warn(TOO_BIG, 'm').setting('min_bytes');
    // @ts-expect-error there is no such fact
    context.facts.target;
    // @ts-expect-error a setting has the type it was declared with
    context.settings.max_bytes.length;
  },
});

world(sizes).describe().settingsSchema.length;

const rest = { name: 'a', version: '0.1.0', summary: 's', rules: {} };

// @ts-expect-error a policy requires `check`
policy(rest);

// @ts-expect-error the default is of another type
policy({ ...rest, settings: { a: { type: 'u64', doc: 'd', default: 'x' } }, check() {} });

// @ts-expect-error bounds come with a unit
policy({ ...rest, settings: { a: { type: 'u64', doc: 'd', default: 1, min: 0 } }, check() {} });

// @ts-expect-error there is no such nature
policy({ ...rest, rules: { TOO_BIG: { ...TOO_BIG, nature: 'absent' } }, check() {} });

// @ts-expect-error there is no such subject
policy({ ...rest, rules: { TOO_BIG: { ...TOO_BIG, subject: 'target' } }, check() {} });

const settings = { a: { type: 'u64', doc: 'd', default: 1 } } as const;

// @ts-expect-error there is no such measure
policy({ ...rest, settings, limits: [{ measure: 'tenants', setting: 'a' }], check() {} });

// @ts-expect-error a limit names a setting of the policy
policy({ ...rest, settings, limits: [{ measure: 'growth', setting: 'b' }], check() {} });

// @ts-expect-error only `policy` creates a policy
world(rest);
