import { createRequire as r } from 'node:module';const require = r(import.meta.url), __dirname = import.meta.dirname;
var s=(n=>typeof require<"u"?require:typeof Proxy<"u"?new Proxy(n,{get:(t,e)=>(typeof require<"u"?require:t)[e]}):n)(function(n){if(typeof require<"u")return require.
apply(this,arguments);throw Error('Dynamic require of "'+n+'" is not supported')});import{readFileSync as g,realpathSync as w}from"node:fs";var m=/^\/[\w/.@-]*$/;function i(n){return m.test(n)?`file://${n}`:s("node:url").pathToFileURL(n).href}var c=Symbol.for("fulcrum.domain"),S=Symbol.for("fulcrum.domain.instances"),y=2e3,a=100,b=200;function f(n,t,e=!1){let o=()=>{if(e)return u(n);let r=process.mainModule;
r?.loaded?d(r.exports,n):(r===void 0||k())&&u(n)};t?setTimeout(o,b):setImmediate(o)}function u(n){let t;try{t=i(w(n))}catch{return}import(t).then(e=>d(e,n),()=>{})}
function k(){let n=[...process.execArgv,process.env.NODE_OPTIONS??""].join(" ");return/(^|\s)--(import|(experimental-)?loader)\b/.test(n)}async function d(n,t){
let e=x(n);try{C(e)?await e.start():M(e)&&!await h(e,t)&&await new e().start()}catch(o){let r=o instanceof Error?o.stack??o.message:String(o);process.stderr.write(
`fulcrum: the domain failed to start: ${r}
`),process.exit(1)}}function x(n){let t=n;for(let e=0;e<2&&!(typeof t!="object"||t===null||!("default"in t));e++)t=t.default;return t}function M(n){return typeof n==
"function"&&typeof n.prototype?.start=="function"}function C(n){return typeof n=="object"&&n!==null&&c in n}async function h(n,t){if(l(n))return!0;if(!E(t,n.name))
return!1;for(let e=0;e<y;e+=a)if(await new Promise(o=>setTimeout(o,a)),l(n))return!0;return!1}function l(n){return c in n.prototype?[...globalThis[S]??[]].some(
e=>e instanceof n):v(n)}function v(n){let{queryObjects:t}=s("node:v8");if(!t)return!1;let{emitWarning:e}=process;process.emitWarning=()=>{};try{return t(n,{format:"\
count"})>0}finally{process.emitWarning=e}}function E(n,t){if(!/^[\w$]+$/.test(t))return!1;try{let e=g(n,"utf8");if(!/\bnew\s/.test(e))return!1;let o=e.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*/gm,
"$1");return new RegExp(`\\bnew\\s+${t.replaceAll("$","\\$")}(?![\\w$])`).test(o)}catch{return!1}}var p=process.env.FULCRUM_PRELOAD;if(p!==void 0){delete process.env.FULCRUM_PRELOAD;let{entry:n,starts:t}=JSON.parse(p);f(n,t,!0)}
