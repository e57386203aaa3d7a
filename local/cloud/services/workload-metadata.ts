/** The metadata server of work that an earlier cloud may have begun. */
import type { Cloud } from "../cloud";

/**
 * Where it was, since what runs may know it by its port; at another port where that one is somebody else's now: who asks
 * at the old one has no credentials any more, which is better than work that can never begin.
 */
export async function reopenedMetadata(account: string, port: number, cloud: Cloud) {
  const { metadataServer } = cloud.principals;
  try {
    return await metadataServer(account, port);
  } catch (error) {
    if (port === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    cloud.log.warn({ account, port }, "the port of a metadata server is taken; it gets another one");
    return metadataServer(account);
  }
}
