import { createRequire as r } from 'node:module';const require = r(import.meta.url), __dirname = import.meta.dirname;
var i=(n=>typeof require<"u"?require:typeof Proxy<"u"?new Proxy(n,{get:(t,e)=>(typeof require<"u"?require:t)[e]}):n)(function(n){if(typeof require<"u")return require.
apply(this,arguments);throw Error('Dynamic require of "'+n+'" is not supported')});import{readFileSync as E,realpathSync as R}from"node:fs";var y=/^\/[\w/.@-]*$/;function a(n){return y.test(n)?`file://${n}`:i("node:url").pathToFileURL(n).href}import{readFileSync as b,readdirSync as k,readlinkSync as x}from"node:fs";var C="01",h=50051;function c(n){let t=Number(/:(\d+)\/?$/.exec(n??"")?.[1]??h);try{let e=new Set(
[...u(t,"/proc/self/net/tcp"),...u(t,"/proc/self/net/tcp6")]);return e.size>0&&k("/proc/self/fd").some(o=>e.has(M(o)))}catch{return!1}}function u(n,t){let e;try{
e=b(t,"utf8")}catch{return[]}return e.split(`
`).slice(1).map(s=>s.trim().split(/\s+/)).filter(([,,s,w])=>w===C&&parseInt(s?.split(":")[1]??"",16)===n).map(s=>s[9]??"")}function M(n){try{return/^socket:\[(\d+)\]$/.
exec(x(`/proc/self/fd/${n}`))?.[1]??""}catch{return""}}var p=Symbol.for("fulcrum.domain"),v=Symbol.for("fulcrum.domain.instances"),T=2e3,l=100,_=200;function m(n,t,e=!1){let o=()=>{if(e)return f(n);let r=process.mainModule;
r?.loaded?g(r.exports,n):(r===void 0||A())&&f(n)};t?setTimeout(o,_):setImmediate(o)}function f(n){let t;try{t=a(R(n))}catch{return}import(t).then(e=>g(e,n),()=>{})}
function A(){let n=[...process.execArgv,process.env.NODE_OPTIONS??""].join(" ");return/(^|\s)--(import|(experimental-)?loader)\b/.test(n)}async function g(n,t){
let e=O(n);try{L(e)?await e.start():I(e)&&!await D(e,t)&&await new e().start()}catch(o){let r=o instanceof Error?o.stack??o.message:String(o);process.stderr.write(
`fulcrum: the domain failed to start: ${r}
`),process.exit(1)}}function O(n){let t=n;for(let e=0;e<2&&!(typeof t!="object"||t===null||!("default"in t));e++)t=t.default;return t}function I(n){return typeof n==
"function"&&typeof n.prototype?.start=="function"}function L(n){return typeof n=="object"&&n!==null&&p in n}async function D(n,t){if(d(n))return!0;if(!N(t,n.name))
return!1;for(let e=0;e<T;e+=l)if(await new Promise(o=>setTimeout(o,l)),d(n)||c(process.env.FULCRUM_GRPC_SERVER))return!0;return!1}function d(n){return p in n.prototype?
[...globalThis[v]??[]].some(e=>e instanceof n):$(n)}function $(n){let{queryObjects:t}=i("node:v8");if(!t)return!1;let{emitWarning:e}=process;process.emitWarning=
()=>{};try{return t(n,{format:"count"})>0}finally{process.emitWarning=e}}function N(n,t){if(!/^[\w$]+$/.test(t))return!1;try{let e=E(n,"utf8");if(!/\bnew\s/.test(
e))return!1;let o=e.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*/gm,"$1");return new RegExp(`\\bnew\\s+${t.replaceAll("$","\\$")}(?![\\w$])`).test(o)}catch{return!1}}var S=process.env.FULCRUM_PRELOAD;if(S!==void 0){delete process.env.FULCRUM_PRELOAD;let{entry:n,starts:t}=JSON.parse(S);m(n,t,!0)}
