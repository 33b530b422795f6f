import { refusal, type Fault } from './fault';

export type Answer =
  | { is: 'there'; life: string }
  | { is: 'missing' }
  | { is: 'busy'; seconds: number }
  | { is: 'away' }
  | { is: 'refused'; fault: Extract<Fault, { kind: 'refused' }> };

// The first answer of a stream waits for its first segment, 15 s at most.
const patience = 20_000;

/** Is there something to play? HEAD opens no session: who waits for a publisher is no viewer yet, and counts as no device. */
export async function ask(url: string): Promise<Answer> {
  try {
    const answer = await fetch(url, { method: 'HEAD', cache: 'no-store', signal: timeout() });
    if (answer.ok) return { is: 'there', life: lifeOf(answer.headers.get('ETag')) };
    if (answer.status === 429 || answer.status >= 500) return { is: 'busy', seconds: Number(answer.headers.get('Retry-After')) || 5 };
    if (answer.status === 404) return { is: 'missing' };
    const fault = await reason(url);
    return fault.kind === 'refused' ? { is: 'refused', fault } : { is: 'busy', seconds: 5 };
  } catch {
    return { is: 'away' };
  }
}

/** Why the stream is refused: only a body has the word, and what is refused opens no session either. */
export async function reason(url: string): Promise<Fault> {
  const abort = new AbortController();
  try {
    const answer = await fetch(url, { cache: 'no-store', signal: abort.signal });
    return answer.ok ? { kind: 'broken' } : refusal(answer.status, await answer.text());
  } catch {
    return { kind: 'broken' };
  } finally {
    abort.abort();
  }
}

/** The tag of a live playlist begins with that of the stream's beginning: another one is another event, not the one that has ended. */
const lifeOf = (tag: string | null) => /^(?:W\/)?"([0-9a-z]+)-/.exec(tag ?? '')?.[1] ?? '';

function timeout(): AbortSignal {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), patience);
  return abort.signal;
}
