import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Case, Objection, said, sameKind } from '../src/case.js';
import { approval, review } from './batch.js';

const caseOf = (claims, facts) => new Case(review(claims, facts), {}, () => null);

test('the mode picks the limit', () => {
  assert.equal(caseOf().byMode(1, 2), 2);
  assert.equal(caseOf({ mode: 'hard' }).byMode(1, 2), 1);
});

test('no inventory is null', () => {
  assert.equal(caseOf().inventory, null);
  assert.deepEqual(caseOf({}, { inventory: { resolved: 2 } }).inventory, { resolved: 2 });
  assert.throws(() => new Case({ claims: {} }, {}, () => null), /no claims or no facts/);
});

test('fresh is not too old and not in the future, give or take a clock', () => {
  const batch = caseOf();
  const fresh = { '2026-03-02T11:00:00Z': true, '2026-03-02T10:59:59Z': false, '2026-03-02T12:05:00Z': true };
  for (const [at, is] of Object.entries({ ...fresh, '2026-03-02T12:05:01Z': false })) {
    assert.equal(batch.isFresh(at, 3_600), is, at);
  }
  assert.equal(batch.isFresh(Date.parse('2026-03-02T11:59:59Z') / 1000, 0), false);
  assert.equal(batch.isFuture('2026-03-02T12:05:00Z'), false);
  assert.equal(batch.isFuture('2026-03-02T12:05:01Z'), true);
});

test('the clock of a zone is told by the host', () => {
  const batch = caseOf({}, { zones: { 'Asia/Kolkata': 19_800 } });
  assert.equal(batch.local('Asia/Kolkata'), Date.parse('2026-03-02T17:30:00Z') / 1000);
  assert.equal(batch.local('UTC'), null);
  assert.equal(caseOf().local('UTC'), null);
});

test('an approval counts for exactly this batch', () => {
  const changes = [
    [{}, null],
    [{ by: ' ' }, Objection.NOBODY],
    [{ by: 'CAROL' }, Objection.OWN],
    [{ by: 'svc-cleanup', type: 'automation' }, Objection.OWN],
    [{ type: 'ai-agent' }, Objection.NOT_HUMAN],
    [{ targets_sha256: undefined }, Objection.OTHER_LIST],
    [{ mode: 'hard' }, Objection.OTHER_MODE],
    [{ kinds: { app: 3 } }, Objection.OTHER_KINDS],
    [{ kinds: { app: 2, site: 1 } }, Objection.OTHER_KINDS],
    [{ kinds: undefined }, Objection.OTHER_KINDS],
    [{ tenants: 1 }, Objection.OTHER_TENANTS],
  ];
  for (const [change, objection] of changes) {
    assert.equal(caseOf().objection(approval(change)), objection, JSON.stringify(change));
  }
  const unknown = { kinds: { counts: { app: 2 }, others: 0, unknown: 1 } };
  assert.equal(caseOf({}, unknown).objection(approval()), Objection.OTHER_KINDS);
});

test('an approval of the whole list counts for a wave of it, and one of the wave alone does not', () => {
  const whole = { targets_sha256: 'f00', targets: 9, tenants: { distinct: 5, unknown: 0 },
    kinds: { counts: { app: 9 }, others: 0, unknown: 0 } };
  const wave = caseOf({}, { whole });
  assert.equal(wave.evidence(), wave.facts.whole);
  assert.equal(wave.objection(approval()), Objection.OTHER_LIST);
  assert.equal(wave.objection(approval({ targets_sha256: 'f00', kinds: { app: 9 }, tenants: 5 })), null);
});

test('approvers are counted once, sorted, and only while fresh', () => {
  const approvals = [
    approval({ by: 'Zoe' }), approval({ by: 'zoe' }), approval({ by: ' alice ' }), approval(), approval({ by: 'carol' }),
    approval({ by: 'old', at: '2026-03-01T12:00:00Z' }), approval({ by: 'undated', at: undefined }),
  ];
  assert.deepEqual([...caseOf({ approvals }).approvers(3_600)], ['alice', 'zoe']);
  assert.equal(caseOf({ approvals: undefined }).approvers(3_600).size, 0);
});

test('an empty text says nothing', () => {
  for (const text of [undefined, null, '', ' \n\u2003\x85']) assert.equal(said(text), null);
  // A byte order mark is a character to Rust.
  assert.equal(said(' \ufeff a '), '\ufeff a');
});

test('kinds are compared as the Rust SDK compares them', () => {
  for (const [a, b] of [
    ['AWS::S3::Buckets', 'bucket'], ['apps', 'App'], ['k8s.io/Pods', 'pod'], [' app\t', 'app'], ['és', 'é'],
  ]) {
    assert.ok(sameKind(a, b), `${a} ${b}`);
  }
  for (const [a, b] of [['app', 'site'], ['as', 'a'], ['class', 'clas'], ['É', 'é'], ['s', ''], ['app\v', 'app']]) {
    assert.ok(!sameKind(a, b), `${a} ${b}`);
  }
});
