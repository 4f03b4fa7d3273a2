import { policy } from '@reprieve/sdk';

const TOO_MANY = {
  code: 'too-many',
  summary: 'The batch holds more targets than one batch may.',
  explanation: 'Small batches can be watched while they run, and restored in one go.',
  settings: ['max_targets'],
  subject: 'size',
};

export default policy({
  name: '{{name}}',
  version: '0.1.0',
  summary: 'Keeps batches small enough to watch.',

  settings: {
    max_targets: {
      type: 'u64',
      doc: 'Targets that one batch may hold.',
      default: 100,
      min: 0,
      max: 1_000_000,
      unit: 'targets',
    },
  },

  rules: { TOO_MANY },

  check(context, state, findings) {
    const targets = context.facts.targets;
    const max = context.settings.max_targets;
    if (targets > max) {
      findings
        .deny(TOO_MANY, `${targets} targets in one batch, and ${max} are allowed`)
        .field('/targets')
        .setting('max_targets')
        .help(`split the list into batches of ${max}`);
    }
  },
});
