import assert from "node:assert/strict";
import { test } from "node:test";
import { Flight } from "../../../deepsim_jax/editor/static/engine/flight.js";

function deferred() {
  const calls = [];
  const send = (wish, { signal, sequence }) =>
    new Promise((resolve, reject) => {
      calls.push({ wish, sequence, resolve, reject, signal });
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  return { calls, send };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("one request flies, and only the newest wish follows it", async () => {
  const { calls, send } = deferred();
  const landed = [];
  const flight = new Flight(send, (answer, wish) => landed.push([answer, wish]), assert.fail);
  for (const wish of [1, 2, 3, 4]) flight.ask(wish);
  assert.deepEqual(
    calls.map((call) => call.wish),
    [1],
  );
  calls[0].resolve("one");
  await settle();
  assert.deepEqual(
    calls.map((call) => call.wish),
    [1, 4],
  );
  assert.equal(flight.isBusy, true);
  calls[1].resolve("four");
  await settle();
  assert.deepEqual(landed, [
    ["one", 1],
    ["four", 4],
  ]);
  assert.ok(calls[1].sequence > calls[0].sequence);
  assert.equal(flight.isBusy, false);
});

test("an error is said, and the next wish goes all the same", async () => {
  const { calls, send } = deferred();
  const failed = [];
  const landed = [];
  const flight = new Flight(
    send,
    (answer) => landed.push(answer),
    (error) => failed.push(error.message),
  );
  flight.ask(1);
  flight.ask(2);
  calls[0].reject(new Error("superseded"));
  await settle();
  calls[1].resolve("two");
  await settle();
  assert.deepEqual(failed, ["superseded"]);
  assert.deepEqual(landed, ["two"]);
});

test("what is cancelled neither lands nor fails, and a new wish can go at once", async () => {
  const { calls, send } = deferred();
  const landed = [];
  const flight = new Flight(send, (answer) => landed.push(answer), assert.fail);
  flight.ask("old");
  flight.ask("never sent");
  flight.cancel();
  assert.equal(calls[0].signal.aborted, true);
  flight.ask("new");
  calls[0].resolve("late");
  await settle();
  assert.deepEqual(
    calls.map((call) => call.wish),
    ["old", "new"],
  );
  calls[1].resolve("newest");
  await settle();
  assert.deepEqual(landed, ["newest"]);
});
