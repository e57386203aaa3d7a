/** The scoring API as a process: settings, the champion's bundle, the server, and an end that loses no request. */
import { BundleError } from "./bundle";
import { Champion } from "./champion";
import { serverOf } from "./server";
import { parseSettings, SettingsError } from "./settings";
import { StorageError, storageReader } from "./storage";

async function main(): Promise<void> {
  const settings = parseSettings(process.env);
  const champion = await Champion.load(settings.storageUri, storageReader(), {
    changed: (version, generation) => app.log.info({ version, generation }, "a new model answers"),
    failed: (problem) =>
      app.log.error({ problem: problem.message }, "the newest model was refused, the one before goes on"),
  });
  const app = serverOf({ settings, champion, logger: { level: "info", messageKey: "message" } });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      champion.stop();
      // Resolves when the last request under way has been answered; then nothing keeps the process.
      void app.close();
    });
  }
  await app.listen({ port: settings.port, host: settings.host });
  app.log.info({ version: champion.model.about.version }, "ready");
  champion.watch(settings.refreshSeconds);
}

main().catch((error: Error) => {
  const expected = [SettingsError, BundleError, StorageError].some((kind) => error instanceof kind);
  process.stderr.write(`${expected ? error.message : (error.stack ?? error.message)}\n`);
  process.exitCode = expected ? 2 : 1;
});
