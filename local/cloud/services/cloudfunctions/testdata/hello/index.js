/** A function that tells what it was asked, who it is by its metadata server, and what it finds around it. */
const { request } = require("node:http");
const { http } = require("@google-cloud/functions-framework");

const metadata = (path) =>
  new Promise((resolve, reject) => {
    const url = `http://${process.env.GCE_METADATA_HOST}/computeMetadata/v1/instance/service-accounts/default/${path}`;
    const asked = request(url, { headers: { "metadata-flavor": "Google" } }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk)).on("end", () => resolve(text));
    });
    asked.on("error", reject).end();
  });

const canRequire = (name) => {
  try {
    return Boolean(require.resolve(name));
  } catch {
    return false;
  }
};

http("hello", async (req, res) => {
  const trace = { "logging.googleapis.com/trace": req.query.trace };
  if (req.path === "/print") console.log(JSON.stringify({ severity: "ERROR", message: "it failed", ...trace }));
  if (req.path === "/die") process.kill(process.pid, "SIGKILL");
  const { K_SERVICE: service, K_REVISION: revision, GREETING: greeting, HOME: home } = process.env;
  const { authorization } = req.headers;
  res.status(req.path === "/teapot" ? 418 : 200).json({
    ...{ path: req.path, query: req.query, body: req.body, pid: process.pid, service, revision, greeting },
    ...{ account: await metadata("email"), authorization, ownHome: home !== undefined },
    ...{ findsPackagesOutside: canRequire("outside") },
  });
});
