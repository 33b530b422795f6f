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
    // Only the body has the reason, and what is refused opens no session either.
    const fault = refusal(answer.status, answer.status === 404 ? '' : await (await fetch(url, { cache: 'no-store', signal: timeout() })).text());
    return fault.kind === 'refused' ? { is: 'refused', fault } : { is: 'missing' };
  } catch {
    return { is: 'away' };
  }
}

/** The tag of a live playlist begins with that of the stream's beginning: another one is another event, not the one that has ended. */
const lifeOf = (tag: string | null) => /^(?:W\/)?"([0-9a-z]+)-/.exec(tag ?? '')?.[1] ?? '';

function timeout(): AbortSignal {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), patience);
  return abort.signal;
}
