/** The scoring API as a process: settings, the model, the server, and an end that loses no request. */
import { DocumentError } from "./document";
import { Champion, fixedModel, type Events } from "./models";
import { serverOf } from "./server";
import { parseSettings, SettingsError } from "./settings";
import { StorageError, storageReader } from "./storage";

async function main(): Promise<void> {
  const settings = parseSettings(process.env);
  const { storageUri, championUri, port, host, refreshSeconds } = settings;
  const events: Events = {
    changed: (version, generation) => app.log.info({ version, generation }, "a new model answers"),
    failed: (problem) => app.log.error({ problem: problem.message }, "the newest model does not answer"),
  };
  const champion = championUri ? new Champion(championUri, storageReader(), events) : undefined;
  const models = champion ?? (await fixedModel(storageUri!, storageReader()));
  const app = serverOf({ settings, models, logger: { level: "info", messageKey: "message" } });
  const ending = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      ending.abort();
      // Resolves when the last request under way has been answered; then nothing keeps the process.
      void app.close();
    });
  }
  await app.listen({ port, host });
  // A request that comes before the first look has ended waits for it.
  await models.look();
  app.log.info({ version: models.current?.model.about.version, problem: models.problem }, "ready");
  await champion?.watch(refreshSeconds, ending.signal);
}

main().catch((error: Error) => {
  const expected = [SettingsError, DocumentError, StorageError].some((kind) => error instanceof kind);
  process.stderr.write(`${expected ? error.message : (error.stack ?? error.message)}\n`);
  process.exitCode = expected ? 2 : 1;
});
