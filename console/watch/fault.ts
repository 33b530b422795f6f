// Why a player stopped.

export type Fault =
  | { kind: 'refused'; status: number; word: string }
  | { kind: 'missing' }
  | { kind: 'codec'; name: string }
  | { kind: 'broken' };

/** What the server's refusal says: "403 Forbidden: device_limit" and a second line with the request's number. */
export function refusal(status: number, body: string): Fault {
  if (status === 404) return { kind: 'missing' };
  if (![400, 401, 403, 410].includes(status)) return { kind: 'broken' };
  return { kind: 'refused', status, word: /^\d+ [^:]*: ([a-z_]+)/.exec(body)?.[1] ?? '' };
}

export interface Heard {
  fault(fault: Fault): void;
  ended(): void;
}

export interface Player {
  /** As it is called in the corner of the page. */
  protocol(): string;
  /** Seconds behind the newest that the server has given; NaN while nobody can say. */
  latency(): number;
  /** How many it wants to be. */
  target(): number;
  toLive(): void;
  /** Nobody looks: fetch no more until resume. */
  rest(): void;
  resume(): void;
  destroy(): void;
}
