/** What kind of failure a code is; the kind decides the exit code. */
export type FaultKind = 'deny' | 'usage' | 'remote' | 'trust' | 'interrupted' | 'bug';

export interface FaultCodeEntry {
  readonly kind: FaultKind;
  /** What it means, for `cg help CODE` and docs/errors.md. */
  readonly meaning: string;
  /** What usually causes it. */
  readonly causes: readonly string[];
  /** What to do, when the place that throws knows nothing better. */
  readonly next: string;
}

/** Every code once. Codes are stable: scripts match on them, so a code is added but never renamed. */
export const faultCodes = {
  USAGE: {
    kind: 'usage',
    meaning: 'The command line is not one that cg understands.',
    causes: ['a misspelt command or flag', 'a missing argument', 'a value that the flag does not take'],
    next: 'cg --help',
  },
  REFERENCE_INVALID: {
    kind: 'usage',
    meaning: 'A text that should name an image is not an image reference.',
    causes: [
      'upper-case letters in the repository',
      'a digest that was cut short',
      'a URL scheme in front of the name',
    ],
    next: 'write it as [host[:port]/]repository[:tag][@sha256:…]',
  },
  DOCKERFILE_INVALID: {
    kind: 'usage',
    meaning: 'A Dockerfile is not one that can be built.',
    causes: [
      'a misspelt instruction or flag',
      'a stage or an image that is named wrongly',
      'an ARG without a value',
    ],
    next: 'correct the lines named and run the command again',
  },
  BUILD_FAILED: {
    kind: 'usage',
    meaning: 'An instruction of a Dockerfile could not be carried out. Nothing was pushed.',
    causes: [
      'COPY names a file that the context does not have, or that .dockerignore leaves out',
      '--chown names a user that the image does not have',
      'a RUN command ended with an error',
    ],
    next: 'correct the instruction named and run the command again',
  },
  BUILDER_UNSUITABLE: {
    kind: 'usage',
    meaning: 'No builder on this machine can build this Dockerfile.',
    causes: [
      'it holds RUN, which the embedded builder does not execute, and neither buildx nor buildah is usable here',
      '--builder names one that is not there',
    ],
    next: 'install buildah or docker buildx, or take out what the embedded builder cannot do',
  },
  GIT_FAILED: {
    kind: 'remote',
    meaning: 'Git could not do what was asked of it. Nothing was pushed.',
    causes: [
      'the repository or the branch is not there',
      'the credentials may not push',
      'the branch is protected, or a hook of the server declined',
      'the server is not to be reached',
    ],
    next: 'read what Git said; git ls-remote with the address of the repository says whether it can be reached',
  },
  EDIT_REFUSED: {
    kind: 'usage',
    meaning:
      'A file that pins images is one that cg does not change: what it would do to it is not certain. Nothing was written.',
    causes: [
      'no entry, or several entries, for the image',
      'YAML anchors, aliases or several documents in the file',
      'a rendering that changes more than was meant',
    ],
    next: 'make the entry in the file unambiguous, then run the command again',
  },
  CLAIM_FAILED: {
    kind: 'deny',
    meaning: 'A promise of the story that cg up tells was looked at and did not hold.',
    causes: [
      'a file of the example was changed',
      'another program changed what the story had made',
      'a bug of ours',
    ],
    next: 'run cg up again; when it stays so, tell us, with what was printed',
  },
  PROMOTION_REFUSED: {
    kind: 'deny',
    meaning: 'A condition of the promotion does not hold. Nothing was pushed.',
    causes: [
      'the digest is not what the environment before it runs',
      'it has not been there long enough',
      'its evidence does not satisfy the policy of the environment',
    ],
    next: 'cg where',
  },
  REGISTRY_FULL: {
    kind: 'remote',
    meaning: 'The registry has no room for what was sent. Sending it again does not help.',
    causes: ['its disk is full', 'its quota is used up'],
    next: 'make room at the registry (cg registry gc), or raise its quota',
  },
  RELEASE_INCOMPLETE: {
    kind: 'deny',
    meaning: 'A commit cannot be released: not every image of it is published. Nothing was tagged.',
    causes: [
      'the merge pipeline of the commit has not ended, or failed',
      'the tag is on a commit that was never merged',
      'the policy believes nobody who vouches for what is published',
    ],
    next: 'run the merge pipeline for that commit (GitHub: cg-merge, run workflow), and the release again',
  },
  FORGE_REFUSED: {
    kind: 'remote',
    meaning: 'GitHub answered, and does not take what it was given.',
    causes: [
      'the token of the job may not do it',
      'the feature is turned off, or not part of the plan of the repository',
      'there is more than it takes at once',
    ],
    next: 'correct what the answer names, and run the job again',
  },
  TAG_TAKEN: {
    kind: 'trust',
    meaning: 'A version names another digest already. No tag was moved.',
    causes: ['the version was released from another commit', 'somebody set the tag by hand'],
    next: 'release under a new version; a tag that was set by mistake is removed in the registry',
  },
  RESULTS_UNTRUSTED: {
    kind: 'trust',
    meaning: 'The results of a pipeline are not one digest for each expected image, so there is no release.',
    causes: [
      'a job of one image failed or was left out',
      'a result was written twice',
      'a result names a repository that is not ours',
    ],
    next: 'run the pipeline again; publish every image before cg ci collect',
  },
  BUILD_UNTRUSTED: {
    kind: 'trust',
    meaning: 'The record of a build is not what this checkout would build, so nothing was attested.',
    causes: [
      'a test or a tool left files in the context, and the build took them in',
      'the job that signs has another commit than the job that built, or another platform and images.yaml names none',
      'the job that built was taken over, and says that it built something else',
    ],
    next: 'build again from the commit of the job that signs, with .dockerignore naming what tools leave behind',
  },
  FILE_NOT_OURS: {
    kind: 'usage',
    meaning: 'A file that would be written is there already, and is not as cg wrote it. Nothing was written.',
    causes: [
      'somebody edited a generated file',
      'another tool or a person made it',
      'a link stands in its place',
    ],
    next: 'cg tools generate --check shows the difference; move the file away, or bring back what was generated',
  },
  PIPELINE_UNSUPPORTED: {
    kind: 'usage',
    meaning:
      'The pipeline that this repository would need is one that cg does not write yet. Nothing was written.',
    causes: [
      'a forge of your own, whose jobs the public Sigstore does not know',
      'jobs on GitLab without an image that is pinned by its digest',
      'images.yaml lies below the top of the repository',
    ],
    next: 'read what was expected, or write this pipeline by hand with cg ci',
  },
  PIN_MOVED: {
    kind: 'trust',
    meaning: 'A tag of an action is said to be another commit than before. Nothing was written.',
    causes: ['somebody moved the tag', 'the comment beside a pin does not name its version'],
    next: 'look the tag up where the action comes from; put the pin back, or correct its comment',
  },
  FILE_INVALID: {
    kind: 'usage',
    meaning: 'A file that cg was told to read is not what it should be.',
    causes: ['a typing error in the file', 'a file of another kind', 'a file that was cut short'],
    next: 'correct the file at the place named and run the command again',
  },
  FILE_MISSING: {
    kind: 'usage',
    meaning: 'A file or folder that cg was told to read is not there, or may not be read.',
    causes: ['a misspelt path', 'the wrong working folder', 'missing read permission'],
    next: 'check the path and its permissions',
  },
  SBOM_INVALID: {
    kind: 'usage',
    meaning: 'A document that should list packages is no SBOM that cg reads.',
    causes: [
      'another kind of document',
      'a format or version that cg does not know',
      'a file that was cut short',
    ],
    next: 'make one with cg sbom TARGET --output cyclonedx-json',
  },
  WRITE_FAILED: {
    kind: 'remote',
    meaning:
      'The operating system did not let cg write what it had to write. Nothing half-written is left behind.',
    causes: ['the disk is full', 'no write permission', 'a read-only file system'],
    next: 'make room or choose another folder, then run the command again',
  },
  LOCAL_SIGSTORE_BUSY: {
    kind: 'remote',
    meaning: 'The local Sigstore cannot start: its folder or its address is in use.',
    causes: ['another local Sigstore runs on the same folder', 'the port is taken by another program'],
    next: 'use the one that runs, or choose another folder or address',
  },
  TOKEN_MISSING: {
    kind: 'usage',
    meaning: 'Keyless signing needs an identity token, and none is to be found.',
    causes: [
      'the GitHub job lacks the permission id-token: write',
      'the GitLab job has no id_tokens block with aud: sigstore',
      'the command runs outside of CI',
    ],
    next: 'give the job an identity token, or sign with --key',
  },
  TOKEN_INVALID: {
    kind: 'usage',
    meaning: 'The identity token cannot be used to sign.',
    causes: ['it is expired', 'its audience is not "sigstore"', 'it is not a JSON Web Token'],
    next: 'ask the CI for a fresh token with the audience "sigstore"',
  },
  SIGNER_UNWANTED: {
    kind: 'trust',
    meaning: 'The job would sign as somebody whom the policy does not expect, so nothing was signed.',
    causes: ['the job runs on another branch or workflow', 'the policy names another identity'],
    next: 'run the job that the policy names, or change the identity in the policy',
  },
  KEY_INVALID: {
    kind: 'usage',
    meaning: 'The signing key cannot be used.',
    causes: ['the password is wrong', 'the file is not a key', 'the key is of a kind that is not supported'],
    next: 'check the key and its password (COSIGN_PASSWORD)',
  },
  SCAN_UNHEARD: {
    kind: 'remote',
    meaning: 'No scanner said anything about the image, so there is no report.',
    causes: ['no scanner is installed and the embedded engine has no advisories', 'every scanner failed'],
    next: 'cg scan IMAGE, which says of each engine why it was not heard',
  },
  SIGNER_FAILED: {
    kind: 'remote',
    meaning: 'The program that signs for cg did not deliver a signature.',
    causes: ['it is not installed', 'it was refused access to the key', 'it took too long'],
    next: 'run the signer program by hand and see what it says',
  },
  SIGSTORE_REFUSED: {
    kind: 'remote',
    meaning: 'A Sigstore service (certificate authority, log or timestamp authority) did not do its part.',
    causes: ['the service is down', 'the identity token was refused', 'the issuer is not known there'],
    next: 'see the answer of the service above; run the command again when it is up',
  },
  EVIDENCE_UNREADABLE: {
    kind: 'trust',
    meaning: 'What an image has as evidence could not be judged, so nothing was decided.',
    causes: [
      'the registry answered with something broken or forged',
      'the trust root is expired or of another Sigstore',
    ],
    next: 'cg verify REF says of each piece what is wrong with it',
  },
  EVIDENCE_INVALID: {
    kind: 'trust',
    meaning: 'Evidence that was just made does not pass our own verification, so nothing was stored.',
    causes: ['the trust root does not belong to the services that signed', 'a service is broken or hostile'],
    next: 'use the trust root of the same Sigstore that signs',
  },
  EVIDENCE_REJECTED: {
    kind: 'deny',
    meaning: 'An image does not have the evidence that is required, so what was asked for did not happen.',
    causes: ['nobody signed it', 'somebody else signed it', 'its evidence was lost on the way'],
    next: 'cg verify IMAGE, with the same flags, shows every item',
  },
  TRUST_ROOT_INVALID: {
    kind: 'trust',
    meaning: 'A trust root cannot be used to judge evidence.',
    causes: ['the file is damaged', 'an entry has no start of its validity', 'it is expired'],
    next: 'cg trust update',
  },
  TRUST_UPDATE_REFUSED: {
    kind: 'trust',
    meaning:
      'What a trust repository sent is not signed, dated or described as it must be. Nothing was stored.',
    causes: [
      'a mirror that is stale or hostile',
      'a clock of this machine that is wrong',
      'a mirror of another repository',
    ],
    next: 'check the clock, then run cg trust update without --mirror; the root that you had still holds',
  },
  STATEMENT_INVALID: {
    kind: 'usage',
    meaning: 'A statement cannot be signed, because nobody would accept it.',
    causes: ['the predicate does not fit its type', 'the subject has no digest', 'it is too large'],
    next: 'correct the predicate and run the command again',
  },
  OFFLINE: {
    kind: 'remote',
    meaning: 'The command needs something that is not on this machine, and --offline forbids fetching it.',
    causes: ['--offline or CG_OFFLINE=1 is set', 'the file or image was never fetched before'],
    next: 'run the command once without --offline',
  },
  NETWORK: {
    kind: 'remote',
    meaning: 'A server could not be reached, or stopped answering before it was done.',
    causes: [
      'no route, no DNS name, a closed port',
      'a proxy that is missing or wrong',
      'a server that is overloaded',
    ],
    next: 'check the host name and the proxy settings, then run the command again',
  },
  TLS_UNTRUSTED: {
    kind: 'remote',
    meaning: 'The certificate of a server is not one that this machine trusts.',
    causes: ['a private certificate authority', 'an expired certificate', 'a certificate for another name'],
    next: 'pass the certificate of your authority with --ca FILE',
  },
  REDIRECT_REFUSED: {
    kind: 'trust',
    meaning: 'A server sent cg to a place where it must not go.',
    causes: [
      'a redirect from https to http',
      'a redirect to this machine or to a link-local address',
      'a redirect that goes round in circles',
    ],
    next: 'ask who runs the server; nothing was sent to the other place',
  },
  PROTOCOL: {
    kind: 'remote',
    meaning: 'A server answered something that is not the protocol it should speak.',
    causes: [
      'an HTML page of a proxy or a login portal',
      'the address of a web page instead of a registry',
      'an old or broken registry',
    ],
    next: 'open the URL with curl -v and look at the answer',
  },
  UNAUTHORIZED: {
    kind: 'remote',
    meaning: 'The registry wants to know who you are, or does not accept the credentials that it got.',
    causes: ['no login', 'an expired token', 'credentials for another registry'],
    next: 'cg login REGISTRY',
  },
  DENIED: {
    kind: 'remote',
    meaning: 'The registry knows who you are and does not allow this.',
    causes: [
      'no permission for this repository',
      'a repository that has to be created first',
      'a read-only token',
    ],
    next: 'ask for the permission named, or log in as somebody who has it',
  },
  NOT_FOUND: {
    kind: 'remote',
    meaning: 'There is no such image, tag or blob at this place.',
    causes: [
      'a misspelt name',
      'a tag that was deleted',
      'a private repository that looks missing to strangers',
    ],
    next: 'check the name and the tag',
  },
  RATE_LIMITED: {
    kind: 'remote',
    meaning: 'The server has had enough requests from you for now.',
    causes: ['anonymous pulls from Docker Hub', 'many jobs behind one address'],
    next: 'log in, or wait and run the command again',
  },
  REFUSED: {
    kind: 'remote',
    meaning: 'The registry understood the request and did not accept it.',
    causes: ['a tag that may not be moved', 'a quota', 'content that the registry does not take'],
    next: 'read what the registry answered',
  },
  UNSUPPORTED: {
    kind: 'remote',
    meaning: 'This place cannot do what was asked, or holds a kind of content that cg does not read.',
    causes: ['an archive cannot be written to', 'an image in the format of 2015 (schema 1)'],
    next: 'use another place or push the image again with a current tool',
  },
  DIGEST_MISMATCH: {
    kind: 'trust',
    meaning: 'The bytes that arrived are not the bytes that were asked for. They were thrown away.',
    causes: ['a broken cache or proxy', 'a damaged disk', 'somebody who changes content on its way'],
    next: 'run the command again; when it stays, do not use this source',
  },
  SIZE_MISMATCH: {
    kind: 'trust',
    meaning: 'More or fewer bytes arrived than the descriptor says. They were thrown away.',
    causes: ['a connection that was cut', 'a broken cache or proxy', 'a descriptor that lies'],
    next: 'run the command again; when it stays, do not use this source',
  },
  CONTENT_INVALID: {
    kind: 'trust',
    meaning: 'A manifest, an index or a configuration is not what its media type says.',
    causes: ['a broken build tool', 'content made to confuse readers'],
    next: 'push the image again with a current tool',
  },
  LIMIT_EXCEEDED: {
    kind: 'trust',
    meaning: 'Something from outside is larger, deeper or longer than cg is willing to read.',
    causes: ['content made to exhaust readers', 'an unusually large index'],
    next: 'check where the content comes from',
  },
  CREDENTIALS_INVALID: {
    kind: 'usage',
    meaning: 'A place that holds credentials could not be read or makes no sense.',
    causes: ['a broken config.json', 'a credential helper that is missing or fails'],
    next: 'cg login REGISTRY',
  },
  TOOL_UNTRUSTED: {
    kind: 'trust',
    meaning: 'A program of others was not taken into the lock of tools, so cg goes on refusing to run it.',
    causes: [
      'its signature is missing, broken, or made by somebody else',
      'the release is known to be hostile',
    ],
    next: 'download the release again from its publisher, with the bundle beside it',
  },
  TOOL_FAILED: {
    kind: 'remote',
    meaning: 'A program that cg needs could not be run, did not finish in time or failed.',
    causes: ['the program is not installed', 'the program needs something that is missing'],
    next: 'run the program by hand and look at its message',
  },
  INTERRUPTED: {
    kind: 'interrupted',
    meaning: 'The command was stopped by Ctrl-C or a termination signal before it was done.',
    causes: ['Ctrl-C', 'a CI job that was cancelled or timed out'],
    next: 'run the same command again; what was finished is not done twice',
  },
  FOLDER_IN_USE: {
    kind: 'remote',
    meaning: 'Another process owns the folder, and two processes must never write to it.',
    causes: ['a registry or another cg command is still running on the same folder'],
    next: 'stop the process that is named, or choose another folder',
  },
  REGISTRY_ADDRESS_INVALID: {
    kind: 'usage',
    meaning: 'The address to listen on is not HOST:PORT.',
    causes: ['a misspelt address', 'a port outside 0 to 65535'],
    next: 'cg registry serve --addr 127.0.0.1:5000',
  },
  REGISTRY_ADDRESS_REFUSED: {
    kind: 'remote',
    meaning: 'The operating system did not let the registry listen on the address.',
    causes: [
      'another program listens on the port',
      'the host is not one of this machine',
      'a port below 1024 without the right to use it',
    ],
    next: 'choose another port: cg registry serve --addr 127.0.0.1:0',
  },
  REGISTRY_OPEN_NETWORK: {
    kind: 'usage',
    meaning:
      'A registry that other machines can reach would let anyone replace images, because no passwords are set.',
    causes: ['--addr names an address other than loopback and --htpasswd is missing'],
    next: 'add --htpasswd FILE, or listen on 127.0.0.1, or accept it with --allow-anonymous-network',
  },
  HTPASSWD_INVALID: {
    kind: 'usage',
    meaning: 'The password file has a line that the registry cannot check passwords against.',
    causes: ['a plain-text or crypt(3) password', 'a line without a colon', 'the same user twice'],
    next: 'htpasswd -B FILE USER',
  },
  TLS_INVALID: {
    kind: 'usage',
    meaning: 'The certificate or key for TLS cannot be used.',
    causes: [
      'the key does not belong to the certificate',
      'a file that is not PEM',
      'only one of the two is given',
    ],
    next: 'give both --tls-cert and --tls-key, in PEM form',
  },
  STORE_FORMAT_UNKNOWN: {
    kind: 'usage',
    meaning: 'The data folder was written by another kind or a newer version of the registry.',
    causes: ['--data names a folder that holds something else', 'an older cg on a newer folder'],
    next: 'choose an empty folder, or use the version of cg that wrote it',
  },
  PROVENANCE_CONTRADICTED: {
    kind: 'trust',
    meaning: 'A variable of the job says something else about the run than the token that the forge wrote.',
    causes: ['a step of the job sets variables of the CI', 'a token of another job'],
    next: 'take out what sets the variable that is named, and let the job ask for its own token',
  },
  PROVENANCE_INCOMPLETE: {
    kind: 'usage',
    meaning: 'Something that provenance must say is not known here, and cg makes nothing up.',
    causes: [
      'a job without an identity token',
      'a folder without a Git commit',
      'variables of a CI that this is not',
    ],
    next: 'run it in the job that builds, with the permission to get an identity token',
  },
  POLICY_UNSUPPORTED: {
    kind: 'usage',
    meaning:
      'A policy asks for a rule or a source that cg does not have, so there is no verdict instead of half of one.',
    causes: [
      'a misspelt rule',
      'a rule of the upstream set that only reads Tekton results',
      'rules in Rego of your own',
    ],
    next: 'correct the name, or take the entry out of the include list',
  },
  BUG: {
    kind: 'bug',
    meaning: 'cg did something that its authors did not foresee. This is never your fault.',
    causes: ['a defect in cg'],
    next: 'run the command again with --verbose and report what it prints',
  },
} as const satisfies Record<string, FaultCodeEntry>;

export type FaultCode = keyof typeof faultCodes;
