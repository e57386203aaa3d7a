/** From what a tool said to what the user can do about it. */
const causes = [
  [
    /UnknownIssuer|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER|unable to get local issuer|CERTIFICATE_VERIFY_FAILED|PKIX path building failed/,
    "This network's certificate authority is not known to the tool: set SSL_CERT_FILE to its bundle (on Debian /etc/ssl/certs/ca-certificates.crt) and run again.",
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|dns error|Name or service not known|NewConnectionError|UnknownHostException/,
    "The package registry was not reached: check the network, or set HTTPS_PROXY if it is behind a proxy, and run again; what is finished is kept.",
  ],
  [
    /ENOSPC|No space left on device|os error 28/,
    "The disk is full: make room and run again; what is finished is kept.",
  ],
  [
    /EACCES|Permission denied/,
    "Something in this folder belongs to another user: `ls -la .lab node_modules` shows what. Give it to yourself and run again.",
  ],
];

/** The line that helps, or undefined when the output itself has to. */
export function explain(output) {
  return causes.find(([sign]) => sign.test(output))?.[1];
}
