/** The end of what a program printed, for the error that says why it ended. */
import { open } from "node:fs/promises";

export async function tail(file: string, most: number): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(most), 0, most, Math.max(0, size - most));
    return buffer.subarray(0, bytesRead).toString("utf8").trim();
  } finally {
    await handle.close();
  }
}
