"use strict";var C=Object.defineProperty;var ke=Object.getOwnPropertyDescriptor;var ve=Object.getOwnPropertyNames;var Me=Object.prototype.hasOwnProperty;var Re=(n,e)=>{for(var t in e)C(n,t,{get:e[t],enumerable:!0})},Ee=(n,e,t,r)=>{if(e&&typeof e=="object"||typeof e=="function")for(let o of ve(e))!Me.call(n,o)&&o!==
t&&C(n,o,{get:()=>e[o],enumerable:!(r=ke(e,o))||r.enumerable});return n};var Te=n=>Ee(C({},"__esModule",{value:!0}),n);var dt={};Re(dt,{hookChildren:()=>V,hookTypeScript:()=>be,noteSpecifier:()=>f,setHost:()=>z});module.exports=Te(dt);var Fe;function c(){return Fe??=require("node:module")}function Q(n){return n.startsWith("node:")||c().isBuiltin(n)}var K=/^\/[\w/.@-]*$/;function m(n){return K.
test(n)?`file://${n}`:require("node:url").pathToFileURL(n).href}function h(n){let e=n.slice(7);return K.test(e)?e:require("node:url").fileURLToPath(n)}var b;function z(n){b=n}var v=(...n)=>b?.cascadedLoader(...n),D=()=>b?.hasInternals()===!0,k=n=>b?.internalModule(n),Y=n=>b?.wrapResolve(n);var L="--expose-internals",M="FULCRUM_BOOTSTRAP",G="fulcrum.bootstrap";function X(){return["-r",`${__dirname}/bootstrap.cjs`]}function y(n){return n instanceof Error&&typeof n.stack=="string"&&n.stack.includes(`${__dirname}/`)&&(n.stack=n.stack.split(`
`).filter(e=>!_e(e)).join(`
`)),n}function _e(n){return n.includes(`${__dirname}/bootstrap.cjs`)||n.includes(`${__dirname}/loader.cjs`)}var $,R={child_process:Ae,worker_threads:Ie};function V(n){$=n;let e=process.moduleLoadList??[];for(let t of Object.keys(R))e.includes(`NativeModule ${t}`)&&f(t);
Oe(),c().registerHooks||je()}function f(n){let e=n.startsWith("node:")?n.slice(5):n;if(!$||!Object.hasOwn(R,e))return;let t=R[e];delete R[e],t?.($),c().syncBuiltinESMExports()}
function Oe(){let n=process;n.getBuiltinModule&&(n.getBuiltinModule=q(n.getBuiltinModule,e=>(f(String(e[0])),e)))}function je(){let n=`(function (native, note) \
{
  return { _load(request) {
    if (request === 'node:child_process' || request === 'node:worker_threads') note(request);
    return native.apply(this, arguments);
  } }._load;
})`,{runInThisContext:e}=require("node:vm"),t=c(),r=e(n,{filename:"node:internal/modules/cjs/loader"});t._load=r(t._load,f)}function Ae(n){let e=require("node:child_process");
e.fork=q(e.fork,t=>{n.starting();let[r,o]=t,i=typeof o=="object"&&o!==null&&!Array.isArray(o)?1:2,s=t[i]??{};if(typeof s!="object"||s.execPath&&s.execPath!==process.
execPath)return t;let a=[...t];return typeof r=="string"&&(a[0]=n.entry(r)),a[i]={...s,execArgv:Z(s.execArgv||process.execArgv),env:$e(s.env||process.env,n)},i===
2&&(a[1]??=[]),a})}function Ie(n){let e=require("node:worker_threads"),t=q(e.Worker,r=>{n.starting();let o=r[1]??{};if(typeof o!="object")return r;e.setEnvironmentData(
G,ee(n));let i=[...r];typeof r[0]=="string"&&!o.eval&&(i[0]=n.entry(r[0])),r[0]instanceof URL&&r[0].protocol==="file:"&&(i[0]=Le(r[0],n));let s=o.execArgv??(n.preloaded?
Ce(o):process.execArgv);return Array.isArray(s)&&(i[1]={__proto__:o,execArgv:Z(s)}),i});Object.defineProperty(t.prototype,"constructor",{value:t,configurable:!0,
writable:!0,enumerable:!1}),e.Worker=t}function Ce({env:n}){let[e=0,t=0]=process.versions.node.split(".").map(Number);return e===20&&t<18&&typeof n=="object"&&n!==
null?[]:void 0}function Le(n,e){let{fileURLToPath:t,pathToFileURL:r}=require("node:url"),o=t(n),i=e.entry(o);if(i===o)return n;let s=r(i);return s.search=n.search,
s.hash=n.hash,s}function Z(n){let e=X(),t=n.includes(e[1])?[]:e;return[...D()&&!n.includes(L)?[L]:[],...t,...n]}function $e(n,e){return n[M]===void 0?{...n,[M]:JSON.
stringify({...JSON.parse(ee(e)),hidden:!0})}:n}function ee(n){return process.env[M]??n.config}function q(n,e){let t=(o,i)=>{try{return i(e(o))}catch(s){throw y(
s)}},r=new Proxy(n,{apply:(o,i,s)=>t(s,a=>Reflect.apply(o,i,a)),construct:(o,i,s)=>t(i,a=>Reflect.construct(o,a,s===r?o:s))});return r}function te(n){let e,t=v(!1,()=>{require("internal/modules/esm/resolve"),e=require("internal/modules/esm/load")}),r=t?.load;if(!e||!t||typeof r!="function"||typeof t.
resolve!="function")return!1;qe(t,n),t.load=function(s,a){let d=n.load(s,a.importAttributes);return d?{...d,responseURL:s}:r.call(this,s,a)};let o=e,{defaultLoadSync:i}=o;
return typeof i=="function"&&(o.defaultLoadSync=(s,a)=>{let d=n.loadRequired(s,!0);return d?{...d,responseURL:s}:i(s,a)}),!0}function qe(n,e){let t=!1;for(let r of[
"resolve","resolveSync","defaultResolve"]){let o=n[r];typeof o=="function"&&(n[r]=function(i,s,...a){if(t)return o.call(this,i,s,...a);t=!0;try{return Pe(e,`${i}`,
s,a[0],()=>o.call(this,i,s,...a))}finally{t=!1}})}}function Pe(n,e,t,r,o){f(e);let i=n.query(e,t),s=u=>(n.note(i,t,u.url,r),u),a=u=>{let p=n.afterFailure(i);if(p===
void 0)throw y(u);return s({url:p})},d=n.before(i);if(d!==void 0)return s({url:d});try{let u=o();return u instanceof Promise?u.then(s,a):s(u)}catch(u){return a(
u)}}function ne(n,e){let[t="",...r]=n;return o=>{let i=JSON.stringify({v:2,node:process.versions.node,...o}),s=e().spawnSync(t,[...r,i],{encoding:"utf8",maxBuffer:268435456,
stdio:["ignore","pipe","pipe"],windowsHide:!0}),[a=""]=Object.values(o);if(s.error)throw new Error(`${a}: cannot run ${t}, which compiles TypeScript: ${s.error.
message}`);if(s.status!==0){let d=s.stderr.trim()||`${t} exited with ${s.signal??`code ${s.status}`}`;throw new SyntaxError(d.includes(a)?d:`${a}: ${d}`)}try{let d=JSON.
parse(s.stdout);if(typeof d=="object"&&d!==null)return d}catch{}throw new Error(`${a}: ${t} printed no JSON object, so the file cannot be loaded: is it the fulc\
rum that started this process?`)}}var Ne=[{says:/^ReferenceError: (__dirname|__filename) is not defined/,cure:"use import.meta.dirname or import.meta.filename (Node 20.11 and later), or name the\
 file .cts to make it CommonJS"},{says:/^ReferenceError: (require|module|exports) is not defined/,cure:"use import and export, or createRequire(import.meta.url)\
 of node:module, or name the file .cts to make it CommonJS"},{says:/^SyntaxError: Cannot use 'import\.meta' outside a module/,cure:'set "type": "module" in pack\
age.json, or name the file .mts to make it an ES module'}],He={module:/\b(?:__dirname|__filename|require|module|exports)\b/,commonjs:/\bimport\.meta\b/},re=!1;function oe({
code:n,format:e}){re||!He[e].test(n)||(re=!0,process.on("uncaughtExceptionMonitor",t=>{if(!(t instanceof Error)||typeof t.stack!="string")return;let r=`${t.name}\
: ${t.message}`,o=Ne.find(({says:a})=>a.test(r)),i=t.stack.indexOf(r);if(!o||i<0)return;let s=i+r.length;t.stack=`${t.stack.slice(0,s)}
hint: ${o.cure}${t.stack.slice(s)}`}))}var le=require("node:fs");var se=require("node:fs");var E=class{aliases=!1;maps=!1;#e=new Map;#t={import:new Map,require:new Map};#n=new Set;#r=new Set;#o=new Set;add(e){e.aliases&&(this.aliases=!0),e.maps&&(this.
maps=!0);for(let t of e.inputs??[])this.#r.add(t);for(let[t,r]of Object.entries(e.files??{}))this.#e.set(t,r),this.#n.add(t),this.#o.add(x(t));this.#s("import",
e.imports),this.#s("require",e.requires)}#s(e,t){for(let[r,o]of Object.entries(t??{})){this.#n.add(r),this.#t[e].set(r,new Map(Object.entries(o)));for(let i of Object.
values(o))this.#n.add(i)}}file(e){return this.#e.get(e)}target(e,t,r){return this.#t[e].get(t)?.get(r)}setTarget(e,t,r,o){let i=this.#t[e],s=i.get(t)??new Map;i.
set(t,s.set(r,o))}knows(e){return this.#n.has(e)}setKnown(e){this.#n.add(e)}has(e){return this.#o.has(e)}inputs(){return this.#r}};function x(n){let e=n.lastIndexOf(
".");return e>n.lastIndexOf("/")+1?n.slice(e):""}var We=/\.(?:[mc]?ts|tsx|jsx)$/;function g(n){return We.test(n)}function l(n){return n.includes("/node_modules/")}function ie(n,e,t){let r=k("internal/deps/cjs-module-lexer/lexer")?.parse??Ue,o=new Set,i=new Set,s=(d,u)=>{if(!i.has(d)){i.add(d);try{let p=r(u);for(let I of p.
exports)o.add(I);for(let I of p.reexports)a(c().createRequire(d).resolve(I))}catch{}}},a=d=>{if(!d.startsWith("/"))return;let u=!l(d)&&t.covers(d)?t.load(d):void 0;
if(u?.exports)for(let p of u.exports)o.add(p);else s(d,u?.code??(0,se.readFileSync)(d,"utf8"))};return s(n,e),[...o]}var Je=new RegExp([String.raw`//.*|/\*[\s\S]*?\*/`,
String.raw`(?:\bmodule\.|(?<![\w$.]))exports\s*(?:\.\s*(?<dotted>[\w$]+)|\[\s*(?<quote>['"])(?<keyed>.*?)\k<quote>\s*\])\s*=(?!=)`,String.raw`\bdefineProperty\s*\(\s*(?:module\.)?exports\s*,\s*(?<q2>['"])(?<defined>.*?)\k<q2>`,
String.raw`\bmodule\.exports\s*=\s*(?:require\s*\(\s*(?<q3>['"])(?<whole>.*?)\k<q3>|(?<literal>\{))`,String.raw`\b\w*export_?star\s*\(\s*require\s*\(\s*(?<q4>['"])(?<star>.*?)\k<q4>`,
String.raw`'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`+"`(?:[^`\\\\]|\\\\[\\s\\S])*`"].join("|"),"gi");function Ue(n){let e=new Set,t=new Set;for(let{index:r,
0:o,groups:i={}}of n.matchAll(Je)){let s=i.dotted??i.keyed??i.defined;s!==void 0&&e.add(s),i.star!==void 0&&t.add(i.star),i.whole!==void 0&&(t=new Set([i.whole])),
i.literal!==void 0&&Qe(n,r+o.length,e,t)}return{exports:e,reexports:t}}var Be=/\/\/.*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|\.\.\.\s*require\s*\(\s*(['"])(?<spread>.*?)\1\s*\)|[\w$]+|[([{]|[)\]}]|,|\S/g;
function Qe(n,e,t,r){let o=new RegExp(Be);o.lastIndex=e;let i=0,s=!0;for(let a=o.exec(n);a;a=o.exec(n)){let[d]=a;if(!(d.startsWith("//")||d.startsWith("/*"))){if(/^[)\]}]$/.
test(d)&&--i<0)return;if(s&&a.groups?.spread!==void 0)r.add(a.groups.spread);else{if(s&&/^(?:get|set|async)$/.test(d)&&/^\s+[\w$]/.test(n.slice(o.lastIndex)))continue;
s&&/^[\w$]/.test(d)?t.add(d):s&&/^['"]/.test(d)&&t.add(d.slice(1,-1))}/^[([{]$/.test(d)&&i++,s=i===0&&d===","}}}var Ke=`
//# sourceURL=node:internal/modules/esm/translators`,ae=n=>n!=="default"&&n!=="module.exports"&&ze(n);function ze(n){try{return encodeURIComponent(n),!0}catch{return!1}}
function P(n,e,t=!1){let r=[...new Set(e)].filter(ae),o=parseInt(process.versions.node,10)>=23?',e as"module.exports"':"";return`import m from"node:module";cons\
t e=m._load(${JSON.stringify(n)}${t?",null,true":""});const v=(n)=>{try{return Object.prototype.hasOwnProperty.call(e,n)?e[n]:void 0}catch{}};${r.map((i,s)=>`co\
nst x${s}=v(${JSON.stringify(i)});`).join("")}export{e as default${o}${r.map((i,s)=>`,x${s} as ${JSON.stringify(i)}`).join("")}};${Ke}`}function de(n,e){let t=[];
try{let r=JSON.parse(e.replace(/^\uFEFF/,""));typeof r=="object"&&r!==null&&!Array.isArray(r)&&(t=Object.keys(r))}catch{}return P(n,t).replace(',e as"module.exp\
orts"',"")}function ue(n,e){return`${n}
if(0){${e.filter(ae).map(t=>`exports[${JSON.stringify(t)}]=0;`).join("")}}`}var F=class{#e;#t;#n=new Set;#r;constructor(e,t){this.#e=e,this.#t=t}query(e,t){return{specifier:e,importer:t?.startsWith("file:")?h(T(t)):void 0,kind:"import"}}before(e){
return ce(this.#t.before(e))}afterFailure(e){return ce(this.#t.afterFailure(e))}note(e,t,r,o){t===void 0&&(this.#r??=r),o?.type===void 0&&e.importer!==void 0&&T(
r).endsWith(".json")&&!l(e.importer)&&this.#n.add(r)}load(e,t){if(!e.startsWith("file:"))return;let r=T(e);if(this.#n.has(e)&&t?.type===void 0){let s=h(r);return{
format:"module",source:de(s,(0,le.readFileSync)(s,"utf8"))}}let o=this.#o(r),i=o===void 0?void 0:this.#e.load(o);if(!(o===void 0||i===void 0))return i.format===
"module"?{format:"module",source:i.code}:{format:"module",source:P(o,this.#s(o,i),e===this.#r)}}loadRequired(e,t){let r=this.#o(T(e)),o=r===void 0?void 0:this.#e.
load(r);if(!(r===void 0||o===void 0))return{format:o.format,source:o.format==="module"||!t?o.code:ue(o.code,this.#s(r,o))}}#o(e){if(!e.startsWith("file:")||l(e)&&
!g(e))return;let t=h(e);return this.#e.covers(t)?t:void 0}#s(e,t){return t.exports??ie(e,t.code,this.#e)}};function ce(n){return n&&m(n.path)+n.suffix}function T(n){
let e=n.search(/[?#]/);return e<0?n:n.slice(0,e)}var fe=require("node:fs"),N=require("node:path");var _=class{#e;#t=new Set;#n=new Map;constructor(e){this.#e=e}require(e,t){!l(t)||this.#t.has(t)||!this.#r(e)||!this.#o(t)||this.lower(t)}lower(e){let t=this.#e.
ask({lower:e}),r=t.files?.[e];if(!r||r.error!==void 0)return!1;this.#e.add(t);for(let o of Object.keys(t.files??{}))this.#t.add(o);return!0}load(e){return this.#t.
has(e)?this.#e.load(e):void 0}#r(e){return this.#t.has(e)||this.#e.table.file(e)?.format==="commonjs"}#o(e){let t=x(e);return t===".mjs"||t===".js"&&this.#s((0,N.dirname)(
e))==="module"}#s(e){if(this.#n.has(e))return this.#n.get(e);let t;try{({type:t}=JSON.parse((0,fe.readFileSync)(`${e}/package.json`,"utf8")))}catch{let r=(0,N.dirname)(
e);t=r===e||r.endsWith("/node_modules")?void 0:this.#s(r)}return this.#n.set(e,t),t}};function pe(n,e){Y((t,r,[o,,i])=>{f(r);let s=o?.filename;if(!s?.startsWith("/")||l(s)&&!n.knows(s)||i?.paths!==void 0)return t();let a=De(n,{specifier:r,importer:s,
kind:"require"},t);return e?.require(s,a),a})}function De(n,e,t){let r=n.before(e);if(r)return r.path;try{return t()}catch(o){let i=n.afterFailure(e);if(i)return i.
path;throw o}}var Ye=[".ts",".cts",".mts",".tsx",".jsx"];function me(n,e){let t=c()._extensions,r=(s,a)=>{let d=e.load(a)??(n.covers(a)?n.load(a):void 0),u=process.
mainModule===s;if(d?.format==="module"&&!u&&!O()&&e.lower(a)&&(d=n.load(a)),!!d)return d.format==="commonjs"?{code:d.code,format:"commonjs"}:Xe(s,a,d.code)},o=new Set,
i=(s,a,d)=>{o.add(s);let u=a??t[".js"];Object.defineProperty(t,s,{value:Ge(r,u),configurable:!0,writable:!0,enumerable:d})};for(let s of Ye)i(s,t[s],!1);return{
update(){for(let s of[".js",".cjs",".mjs"])!o.has(s)&&n.openTable?.has(s)&&i(s,t[s],Object.keys(t).includes(s))}}}function Ge(n,e){let t=`(function (prepare, na\
tive) {
  const handlers = {
    '.ts'(module, filename) {
      const found = prepare(module, filename);
      if (found === undefined) native(module, filename);
      else if (found.code !== undefined) module._compile(found.code, filename, found.format);
    },
  };
  return handlers['.ts'];
})`,{runInThisContext:r}=require("node:vm");return r(t,{filename:"node:internal/modules/cjs/loader"})(n,e)}function O(){return process.features.require_module===
!0}function Xe(n,e,t){if(O()){let{kModuleSource:r}=k("internal/modules/cjs/loader")??{};return r&&(n[r]=t),{code:t,format:"module"}}if(process.mainModule!==n)throw Object.
assign(new Error(`require() of ES Module ${e} is not supported by Node ${process.version}: use import()`),{code:"ERR_REQUIRE_ESM"});return Ve(e),{}}function Ve(n){
process.mainModule=void 0;let e=m(n),t=k("internal/modules/run_main")?.runEntryPointWithESMLoader;t&&v()?.import?t(r=>r.import?.(e,void 0,{__proto__:null},!0)):
import(e)}var S=require("node:path");var Ze={".js":[".ts",".tsx"],".mjs":[".mts"],".cjs":[".cts"],".jsx":[".tsx"]},j=class{#e;constructor(e){this.#e=e}knows(e){return this.#e.table.knows(e)}before(e){
let{importer:t,kind:r}=e;if(t===void 0)return;let{table:o}=this.#e,[i,s]=H(e),a=o.target(r,t,e.specifier)??(s?o.target(r,t,i):this.#t(e));if(a!==void 0&&this.#e.
exists(a))return{path:a,suffix:s};if(!this.#n(e))return;let d=et(e,i);if(d===void 0)return o.aliases&&!o.knows(t)?this.#o(e):void 0;if(!(!g(t)||this.#r(d)))return this.#s(
e)}afterFailure(e){if(!(e.asked||e.importer===void 0||!this.#n(e)))try{return(this.#e.table.knows(e.importer)?void 0:this.#o(e))??this.#s(e)}catch{return}}entry(e,t){
let r=(0,S.resolve)(e);return l(r)||c()._findPath(r,[""],!0)?e:this.afterFailure({specifier:r,importer:t,kind:"import"})?.path??e}#t({importer:e="",specifier:t,
kind:r}){return r==="require"&&t.startsWith(".")?this.#e.table.target("import",e,t):void 0}#n({importer:e="",specifier:t}){return!l(e)&&!e.startsWith(`${__dirname}\
/`)&&!Q(t)&&(!/^[a-z][a-z\d+.-]*:/i.test(t)||t.startsWith("file:"))}#r(e){let t=x(e);if(t==="")return!1;let r=e.slice(0,-t.length);return this.#e.exists(e)&&!Ze[t]?.
some(o=>this.#e.exists(r+o))}#o(e){let{importer:t="",kind:r}=e,{table:o}=this.#e;o.setKnown(t),this.#e.learn({load:t});let[i,s]=H(e),a=o.target(r,t,e.specifier)??
o.target(r,t,i);return a===void 0?void 0:{path:a,suffix:s}}#s(e){let{importer:t="",kind:r}=e,[o,i]=H(e);e.asked=!0;let{resolved:s}=this.#e.learn({resolve:o,from:t,
kind:r});if(typeof s=="string")return this.#e.table.setTarget(r,t,o,s),{path:s,suffix:i}}};function H({specifier:n,kind:e}){let t=e==="require"?-1:n.slice(1).search(
/[?#]/)+1;return t<=0?[n,""]:[n.slice(0,t),n.slice(t)]}function et({importer:n="",kind:e},t){let r=/^\.\.?(?:\/|$)/.test(t);try{return e==="require"?r||(0,S.isAbsolute)(
t)?(0,S.resolve)((0,S.dirname)(n),t):void 0:t.startsWith("file:")?h(t):r||t.startsWith("/")?h(new URL(t,m(n)).href):void 0}catch{return}}var ge=!1,W=!1,J=new Map,he="sourceMappingURL=";function U(n){if(ge||(ge=!0,process.sourceMapsEnabled))return;let e=Error.prepareStackTrace;W=n&&!tt()&&typeof e==
"function",W&&e?rt(e):xe()}function ye(n,e){if(!W)return;let t=e.lastIndexOf(he);t>=0&&J.set(m(n),e.slice(t+he.length).trim())}function xe(){let{setSourceMapsSupport:n}=c();
n?n(!0,{nodeModules:!1,generatedCode:!1}):process.setSourceMapsEnabled(!0)}function tt(){let[n=0,e=0]=process.versions.node.split(".").map(Number);return n>26||
n===26&&e>=12||n===24&&e>=22}function nt(n,e){try{(0,eval)(`//# sourceURL=${n}
//# sourceMappingURL=${e}`)}catch{}}function rt(n){let e=!1,t={ErrorPrepareStackTrace(r,o){for(let i of o){let s=i.getFileName(),a=s?.startsWith("/")?m(s):s,d=a?
J.get(a):void 0;!a||d===void 0||(e||xe(),e=!0,J.delete(a),nt(a,d))}return n(r,o)}};Error.prepareStackTrace=t.ErrorPrepareStackTrace,process.on("uncaughtExceptio\
nMonitor",r=>{r instanceof Error&&r.stack})}var w=require("node:fs");var A=class{ask;#e;#t;#n;#r=new Map;constructor(e,t,r={}){this.#e=e,this.ask=t,this.#n=r}reconfigure(e){this.#e=e,this.#t=void 0}get table(){return this.#t?this.#t:
(this.#t=new E,this.add(it(this.#e.manifest)),this.#t)}get openTable(){return this.#t}learn(e){let t=this.ask(e);return this.add(t),t}add(e){this.table.add(e),this.#n.
changed?.()}covers(e){return g(e)||this.table.has(x(e))&&this.table.file(e)!==void 0}exists(e){let t=(0,w.statSync)(e,{throwIfNoEntry:!1});return t?.isFile()?(this.#r.
set(e,t),!0):!1}load(e){let t=this.#o(e);return t&&this.#n.loaded?.(e,t),t}#o(e){let t=this.#r.get(e)??(0,w.statSync)(e);this.#r.delete(e);let r=this.table.file(
e),o=r&&ot(r,t,e)?Se(r):void 0;if(o)return o;this.learn({load:e}),this.table.setKnown(e);let i=this.table.file(e);if(!i){if(l(e)||!g(e))return;throw new SyntaxError(
`${e}: the helper returned no code for this file`)}let s=Se(i);if(!s)throw new SyntaxError(`${e}: its compiled code is missing: ${i.code??"no file"} cannot be r\
ead; check the permissions of the cache directory`);return s}};function ot(n,{size:e,mtimeMs:t},r){return e===n.size&&Math.floor(t)===n.mtime_ms||l(r)&&!g(r)}function Se({
code:n,text:e,format:t,exports:r,error:o}){if(o!==void 0)throw new SyntaxError(o);let i={format:t,exports:r??null};if(e!==void 0)return{...i,code:e};try{return n===
null?void 0:{...i,code:st((0,w.readFileSync)(n,"utf8"))}}catch{return}}var B="sourceMappingURL=";function st(n){let e=n.lastIndexOf(B,n.length)+B.length;return e>=
B.length&&n.startsWith("file://",e)?n.slice(0,e)+n.slice(e+7):n}function it(n){try{let{v:e,...t}=JSON.parse((0,w.readFileSync)(n,"utf8"));return e===2?t:{}}catch{
return{}}}function be(n){let e=()=>{},t=!1,r=ne(n.helper,()=>require("node:child_process")),o=new A(n,r,{changed(){o.table.maps&&U(!t),e()},loaded(u,p){ye(u,p.code),oe(p)}}),
i=new j(o),s=new _(o);pe(i,O()?void 0:s);let a=new F(o,i);return c().registerHooks?at(a):({update:e}=me(o,s),t=!n.commonjs&&!te(a)),n.maps&&U(!t),{files:o,resolver:i,
needsThread:t,prepare:()=>{c().registerHooks??o.table}}}function we({conditions:n}){return n!==void 0&&("has"in n?n.has("require"):n.includes("require"))}function at(n){
c().registerHooks?.({resolve(e,t,r){if(f(e),we(t))return r(e,t);let{parentURL:o,importAttributes:i}=t,s=n.query(e,o),a=n.before(s),d;if(a===void 0)try{d=r(e,t)}catch(u){
if(a=n.afterFailure(s),a===void 0)throw y(u)}return d??={url:a??"",shortCircuit:!0},n.note(s,o,d.url,i),d},load(e,t,r){try{let o=we(t)?n.loadRequired(e,!1):n.load(
e,t.importAttributes);if(o)return{...o,shortCircuit:!0}}catch(o){throw y(o)}return r(e,t)}})}0&&(module.exports={hookChildren,hookTypeScript,noteSpecifier,setHost});
