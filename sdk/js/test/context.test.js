import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFileSync } from 'node:fs';
import { ApprovalIssue, Context } from '../src/context.js';
import { nonBlank, sameKind } from '../src/words.js';
import { approval, review } from './fixture.js';

const contextOf = (claims, facts) => new Context(review(claims, facts), {}, () => null);

test('byMode returns the value for the mode', () => {
  assert.equal(contextOf().byMode(1, 2), 2);
  assert.equal(contextOf({ mode: 'hard' }).byMode(1, 2), 1);
});

test('inventory is null without an inventory', () => {
  assert.equal(contextOf().inventory, null);
  assert.deepEqual(contextOf({}, { inventory: { resolved: 2 } }).inventory, { resolved: 2 });
  assert.throws(() => new Context({ claims: {} }, {}, () => null), /no claims or no facts/);
});

test('isFresh rejects old and future times, with tolerance for clock skew', () => {
  const context = contextOf();
  const fresh = { '2026-03-02T11:00:00Z': true, '2026-03-02T10:59:59Z': false, '2026-03-02T12:05:00Z': true };
  for (const [at, is] of Object.entries({ ...fresh, '2026-03-02T12:05:01Z': false })) {
    assert.equal(context.isFresh(at, 3_600), is, at);
  }
  assert.equal(context.isFresh(Date.parse('2026-03-02T11:59:59Z') / 1000, 0), false);
  assert.equal(context.isFuture('2026-03-02T12:05:00Z'), false);
  assert.equal(context.isFuture('2026-03-02T12:05:01Z'), true);
});

test('local adds the offset that the host supplies', () => {
  const context = contextOf({}, { zones: { 'Asia/Kolkata': 19_800 } });
  assert.equal(context.local('Asia/Kolkata'), Date.parse('2026-03-02T17:30:00Z') / 1000);
  assert.equal(context.local('UTC'), null);
  assert.equal(contextOf().local('UTC'), null);
});

test('an approval must match the batch exactly', () => {
  const changes = [
    [{}, null],
    [{ by: ' ' }, ApprovalIssue.NOBODY],
    [{ by: 'CAROL' }, ApprovalIssue.OWN],
    [{ by: 'svc-cleanup', type: 'automation' }, ApprovalIssue.OWN],
    [{ type: 'ai-agent' }, ApprovalIssue.NOT_HUMAN],
    [{ targets_sha256: undefined }, ApprovalIssue.OTHER_LIST],
    [{ mode: 'hard' }, ApprovalIssue.OTHER_MODE],
    [{ kinds: { app: 3 } }, ApprovalIssue.OTHER_KINDS],
    [{ kinds: { app: 2, site: 1 } }, ApprovalIssue.OTHER_KINDS],
    [{ kinds: undefined }, ApprovalIssue.OTHER_KINDS],
    [{ tenants: 1 }, ApprovalIssue.OTHER_TENANTS],
  ];
  for (const [change, issue] of changes) {
    assert.equal(contextOf().approvalIssue(approval(change)), issue, JSON.stringify(change));
  }
  const unknown = { kinds: { counts: { app: 2 }, others: 0, unknown: 1 } };
  assert.equal(contextOf({}, unknown).approvalIssue(approval()), ApprovalIssue.OTHER_KINDS);
});

test('evidence counts if it is signed as the set requires', () => {
  const signed = (tokens, required) => {
    return contextOf({ approvals: [approval({ token: 'e30' }), approval()] },
      { signatures: { approvals_required: required, attestations_required: required, tokens } });
  };
  const issues = (context) => context.claims.approvals.map((approval) => context.approvalIssue(approval));
  const { BAD_TOKEN, NOT_SIGNED } = ApprovalIssue;
  assert.deepEqual(issues(signed([{ field: '/approvals/0', by: 'alice' }], true)), [null, NOT_SIGNED]);
  assert.deepEqual(issues(signed([{ field: '/approvals/0', by: 'alice' }], false)), [null, null]);
  assert.deepEqual(issues(signed([{ field: '/approvals/0', issue: 'no' }], false)), [BAD_TOKEN, null]);
  assert.deepEqual(issues(signed([], false)), [BAD_TOKEN, null]);
  const dryRun = [{ field: '/dry_run', by: 'ci' }];
  assert.equal(signed(dryRun, true).attestationIssue('/dry_run', 'e30'), null);
  assert.equal(signed([], true).attestationIssue('/dry_run'), 'it is not signed, and only signed evidence counts');
  assert.equal(signed([], false).attestationIssue('/dry_run'), null);
  assert.equal(contextOf().attestationIssue('/dry_run', 'e30'), 'its token is not valid: it was not verified');
  const issue = signed([{ field: '/dry_run', issue: 'no' }], false).attestationIssue('/dry_run', 'e30');
  assert.equal(issue, 'its token is not valid: no');
});

test('an approval of a wave must name the whole list', () => {
  const whole = { targets_sha256: 'f00', targets: 9, tenants: { distinct: 5, unknown: 0 },
    kinds: { counts: { app: 9 }, others: 0, unknown: 0 } };
  const wave = contextOf({}, { whole });
  assert.equal(wave.evidence(), wave.facts.whole);
  assert.equal(wave.approvalIssue(approval()), ApprovalIssue.OTHER_LIST);
  assert.equal(wave.approvalIssue(approval({ targets_sha256: 'f00', kinds: { app: 9 }, tenants: 5 })), null);
});

test('approvers are sorted, distinct and fresh', () => {
  const approvals = [
    approval({ by: 'Zoe' }), approval({ by: 'zoe' }), approval({ by: ' alice ' }), approval(),
    approval({ by: 'carol' }),
    approval({ by: 'old', at: '2026-03-01T12:00:00Z' }), approval({ by: 'undated', at: undefined }),
  ];
  assert.deepEqual([...contextOf({ approvals }).approvers(3_600)], ['alice', 'zoe']);
  assert.equal(contextOf({ approvals: undefined }).approvers(3_600).size, 0);
});

test('names are compared as in every SDK', () => {
  const words = JSON.parse(readFileSync(new URL('../../words.json', import.meta.url), 'utf8'));
  for (const [name, kind, expected] of words.same_kind) assert.equal(sameKind(name, kind), expected, `${name} ${kind}`);
  for (const text of [undefined, null, ...words.nothing]) assert.equal(nonBlank(text), null, JSON.stringify(text));
  for (const [text, expected] of words.something) assert.equal(nonBlank(text), expected);
});
