// One request in flight. While it flies, only the newest wish is remembered; when it lands, that one goes.

/** Sends what is wished for, never more than one at a time, and hands on only answers that are newest. */
export class Flight {
  #send;
  #land;
  #fail;
  #wish = null;
  #controller = null;
  #sequence = 0;
  #landed = 0;

  /**
   * @param send (wish, {signal, sequence}) -> promise of an answer
   * @param land (answer, wish) is called with answers, never with one older than the one before
   * @param fail (error, wish) is called with errors, not with aborted requests
   */
  constructor(send, land, fail) {
    this.#send = send;
    this.#land = land;
    this.#fail = fail;
  }

  /** Whether a request is on its way. */
  get isBusy() {
    return this.#controller !== null;
  }

  /** Asks for something; what was asked for before and has not been sent is forgotten. */
  ask(wish) {
    this.#wish = { wish };
    if (!this.#controller) this.#go();
  }

  /** Forgets what was asked for and aborts what flies. */
  cancel() {
    this.#wish = null;
    this.#controller?.abort();
    this.#controller = null;
    this.#landed = this.#sequence;
  }

  async #go() {
    while (this.#wish) {
      const { wish } = this.#wish;
      this.#wish = null;
      const controller = new AbortController();
      const sequence = ++this.#sequence;
      this.#controller = controller;
      try {
        const answer = await this.#send(wish, { signal: controller.signal, sequence });
        if (!controller.signal.aborted && sequence > this.#landed) {
          this.#landed = sequence;
          this.#land(answer, wish);
        }
      } catch (error) {
        if (!controller.signal.aborted) this.#fail(error, wish);
      }
      if (this.#controller !== controller) return; // cancelled, and perhaps begun anew
    }
    this.#controller = null;
  }
}
