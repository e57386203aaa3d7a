/** Who may import whom. The directions keep the program, the loopback cloud and the deployment host strangers. */
const forbid = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    forbid("no-circular", "A cycle has no reading order.", {}, { circular: true, dependencyTypesNot: ["type-only"] }),
    forbid("program-is-a-leaf", "Nothing imports the program; the CLI prints its table of features.", { pathNot: "^stacks/" },
      { path: "^stacks/", pathNot: "^stacks/config/features\\.ts$" }),
    forbid("layers-are-strangers", "lab.ts passes values between layers.",
      { path: "^stacks/(foundation|identities|lake|images|spark|ml|orchestration|workbench|observability)\\.ts$" },
      { path: "^stacks/(foundation|identities|lake|images|spark|ml|orchestration|workbench|observability|lab|config|index|outputs|parameters)\\.ts$" }),
    forbid("components-know-no-program", "Components take arguments; they know no environment.",
      { path: "^components/" }, { path: "^(stacks|local|cli|functions)/" }),
    forbid("cloud-knows-no-pulumi", "The loopback cloud is a Google Cloud to anyone, not to this program only.",
      { path: "^local/cloud/" }, { path: "(^(stacks|components|cli|local/deploy)/|node_modules/@pulumi/)" }),
    forbid("cloud-reaches-engines-by-interface", "Only main.ts, which composes the process, and testing.ts, its counterpart in tests, know the engines' makers.",
      { path: "^local/cloud/", pathNot: "(^local/cloud/main\\.ts$|/testing\\.ts$|/clients/|\\.test\\.ts$)" }, { path: "^local/engines/", pathNot: "^local/engines/interface\\.ts$" }),
    forbid("engines-know-no-cloud", "Engines are programs behind one interface.", { path: "^local/engines/" }, { path: "^local/(cloud|deploy)/" }),
    forbid("deploy-reaches-the-cloud-by-http", "The host deploys to Google Cloud's hosts, wherever they lead.",
      { path: "^local/deploy/", pathNot: "\\.test\\.ts$" }, { path: "^(stacks|components|cli|local/(cloud|engines))/" }),
    forbid("cli-declares-nothing", "The CLI runs the program, it does not contain it.", { path: "^cli/" }, { path: "^components/" }),
    forbid("functions-stand-alone", "A deployed function brings its own packages only.", { path: "^functions/([^/]+)/" },
      { path: "^(functions/(?!$1/)|stacks|components|local|cli)|node_modules/@pulumi/" }),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(testdata|dist)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
