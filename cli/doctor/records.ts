/** Checks of what the lab has written: its authority, key files, contract violations, interrupted deployments. */
import { good, note, wrong, type Finding } from "./finding";

const DAY = 24 * 60 * 60 * 1000;
/** Time to act before clients begin to refuse the door. */
const CA_DAYS = 30;

export function checkAuthority(folder: string, validTo: Date | undefined, now: Date): Finding {
  if (!validTo) return good("certificate authority", "made by the first start of the cloud");
  const until = validTo.toISOString().slice(0, 10);
  const days = Math.floor((validTo.getTime() - now.getTime()) / DAY);
  if (days >= CA_DAYS) return good("certificate authority", `valid until ${until}`);
  const text = days < 0 ? `expired on ${until}` : `expires on ${until}`;
  return wrong("certificate authority", text, `npx sparklab down && rm -r ${folder} && npx sparklab up`);
}

export interface SecretFile {
  path: string;
  mode: number;
}

export function checkSecrets(files: readonly SecretFile[]): Finding[] {
  const open = files.filter(({ mode }) => (mode & 0o077) !== 0);
  if (open.length === 0) return [good("key files", `${files.length} are yours alone`)];
  return open.map(({ path, mode }) =>
    wrong("key files", `${path}: got mode ${mode.toString(8)}; expected 600`, `chmod 600 ${path}`, {
      do: "protect",
      path,
    }),
  );
}

/** @param violations lines that the cloud wrote where an answer did not fit Google's description */
export function checkContract(file: string, violations: readonly string[]): Finding {
  if (violations.length === 0) return good("contract", "every answer fitted Google's descriptions");
  const first = violations[0]!.slice(0, 200);
  return wrong(
    "contract",
    `${violations.length} answers did not fit Google's descriptions, first: ${first}`,
    `report it with ${file}`,
  );
}

export interface StackFacts {
  stack: string;
  /** URNs of operations whose outcome nobody knows. */
  pending: readonly string[];
  /** A journal that no living process writes. */
  isInterrupted: boolean;
  /** Why the state cannot be read. */
  problem?: string;
}

export function checkStack({ stack, pending, isInterrupted, problem }: StackFacts): Finding {
  const check = `stack ${stack}`;
  if (problem !== undefined) return wrong(check, problem, "npx sparklab state import --file <the backup>");
  if (pending.length > 0)
    return wrong(
      check,
      `${pending.length} operations were interrupted: ${pending.slice(0, 3).join(", ")}`,
      "npx sparklab up",
    );
  return isInterrupted
    ? note(check, "its last deployment was interrupted; the next one goes on from there", { fix: "npx sparklab up" })
    : good(check, "no operation is pending");
}
