/** The operator's credentials as files (0600), in the forms that Google's clients and tools look for. */
import { readFileSync } from "node:fs";
import writeFileAtomic from "write-file-atomic";
import type { cloudFiles } from "./client-environment";
import { OPERATOR } from "./principals";
import { CLOUD_PLATFORM, TokenError, type Tokens } from "./tokens";

const LOOK_MS = 3600 * 1000;
const DAY_SECONDS = 24 * 3600;
/** For tools that take a token and cannot refresh it; renewed at a start when less than a third is left. */
const TOKEN_DAYS = 90;
const RENEW_WITHIN_DAYS = 30;

export interface OperatorCredentialsOptions {
  files: Pick<ReturnType<typeof cloudFiles>, "applicationDefault" | "operatorToken">;
  tokens: Tokens;
  project: string;
  now: () => Date;
}

/** Writes application default credentials and a long-lived access token; keeps a token that is good for a while. */
export async function writeOperatorCredentials({
  files,
  tokens,
  project,
  now,
}: OperatorCredentialsOptions): Promise<void> {
  const { client } = tokens;
  const applicationDefault = {
    type: "authorized_user",
    client_id: client.id,
    client_secret: client.secret,
    refresh_token: tokens.refresh(OPERATOR),
    // Without it Google's Python clients warn about a user's credentials without a quota.
    quota_project_id: project,
    universe_domain: "googleapis.com",
  };
  const secret = { mode: 0o600 };
  await writeFileAtomic(files.applicationDefault, `${JSON.stringify(applicationDefault, null, 2)}\n`, secret);
  if (secondsLeft(files.operatorToken, tokens, now()) > RENEW_WITHIN_DAYS * DAY_SECONDS) return;
  const token = tokens.access(OPERATOR, TOKEN_DAYS * DAY_SECONDS, [CLOUD_PLATFORM]);
  await writeFileAtomic(files.operatorToken, `${token}\n`, secret);
}

/**
 * The same now and then, so that a lab that is left alone for longer than a token lasts has a good one. Answers how to end
 * it, which waits for a renewal that is under way.
 */
export function keepOperatorCredentials(
  options: OperatorCredentialsOptions & { log: { error: (o: object, message: string) => void } },
  everyMs = LOOK_MS,
): () => Promise<void> {
  let last = Promise.resolve();
  const failed = (err: unknown) => options.log.error({ err }, "operator's token not renewed");
  const renew = () => (last = last.then(() => writeOperatorCredentials(options)).catch(failed));
  // The door keeps the process alive, not what waits for its credentials to grow old.
  const timer = setInterval(() => void renew(), everyMs).unref();
  return () => {
    clearInterval(timer);
    return last;
  };
}

function secondsLeft(file: string, tokens: Tokens, now: Date): number {
  try {
    return tokens.readAccess(readFileSync(file, "utf8").trim()).expiresAt - now.getTime() / 1000;
  } catch (error) {
    if (error instanceof TokenError || (error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
