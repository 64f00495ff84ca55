"use strict";var import_node_fs=require("node:fs");function nodeModule(){return require("node:module")}function urlOf(path){return require("node:url").pathToFileURL(path).href}function pathOf(url){return require("node:url").
fileURLToPath(url)}var BRAND=Symbol.for("fulcrum.domain"),INSTANCES=Symbol.for("fulcrum.domain.instances"),SETTLE_TIMEOUT_MS=2e3,POLL_INTERVAL_MS=100,DEFER_MS=200;function autoStart(entry,starts){
let inspect=()=>{let main=process.mainModule;main?.loaded?start(main.exports,entry):(main===void 0||preloadsModules())&&importMain(entry)};starts?setTimeout(inspect,
DEFER_MS):setImmediate(inspect)}function importMain(entry){let url;try{url=urlOf((0,import_node_fs.realpathSync)(entry))}catch{return}import(url).then(exports2=>start(
exports2,entry),()=>{})}function preloadsModules(){let flags=[...process.execArgv,process.env.NODE_OPTIONS??""].join(" ");return/(^|\s)--(import|(experimental-)?loader)\b/.
test(flags)}async function start(exports2,entry){let exported=defaultOf(exports2);try{isStoppedSdkInstance(exported)?await exported.start():isDomainClass(exported)&&
!await isSelfStarting(exported,entry)&&await new exported().start()}catch(error){let text=error instanceof Error?error.stack??error.message:String(error);process.
stderr.write(`fulcrum: the domain failed to start: ${text}
`),process.exit(1)}}function defaultOf(exports2){let value=exports2;for(let depth=0;depth<2&&!(typeof value!="object"||value===null||!("default"in value));depth++)
value=value.default;return value}function isDomainClass(value){return typeof value=="function"&&typeof value.prototype?.start=="function"}function isStoppedSdkInstance(value){
return typeof value=="object"&&value!==null&&BRAND in value}async function isSelfStarting(exported,entry){if(isConstructed(exported))return!0;if(!mentionsConstruction(
entry,exported.name))return!1;for(let waited=0;waited<SETTLE_TIMEOUT_MS;waited+=POLL_INTERVAL_MS)if(await new Promise(resolve=>setTimeout(resolve,POLL_INTERVAL_MS)),
isConstructed(exported))return!0;return!1}function isConstructed(exported){return BRAND in exported.prototype?[...globalThis[INSTANCES]??[]].some(instance=>instance instanceof
exported):hasInstances(exported)}function hasInstances(exported){let{queryObjects}=require("node:v8");if(!queryObjects)return!1;let{emitWarning}=process;process.
emitWarning=()=>{};try{return queryObjects(exported,{format:"count"})>0}finally{process.emitWarning=emitWarning}}function mentionsConstruction(entry,name){if(!/^[\w$]+$/.
test(name))return!1;try{let text=(0,import_node_fs.readFileSync)(entry,"utf8");if(!/\bnew\s/.test(text))return!1;let code=text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*/gm,
"$1");return new RegExp(`\\bnew\\s+${name.replaceAll("$","\\$")}(?![\\w$])`).test(code)}catch{return!1}}var FLUSH_DELAY_MS=2e3;function flushCompileCacheLater(){process.env.NODE_COMPILE_CACHE&&setTimeout(()=>nodeModule().flushCompileCache?.(),FLUSH_DELAY_MS).unref()}var FLAG="--expose-internals",flagged=!1,opened;function hideInternalsFlag(){let at=process.execArgv.indexOf(FLAG);at<0||(flagged=!0,process.execArgv.splice(at,
1))}function cascadedLoader(hidden=!1,alongside){if(opened)return opened;if(hideInternalsFlag(),!(!flagged&&!hidden)){try{opened=require("internal/modules/esm/loader").
getOrInitializeCascadedLoader(),alongside?.()}catch{}return hideInternals(opened),opened}}function hideInternals(loader){let open=nodeModule(),internal=id=>String(
id).startsWith("internal/");open.builtinModules=Object.freeze(open.builtinModules.filter(id=>!internal(id)));let{isBuiltin}=open;if(open.isBuiltin=id=>!internal(
id)&&isBuiltin(id),wrapResolve((resolve,request,rest)=>{if(!internal(request))return resolve();let found=open._findPath(request,rest[0]?.paths??[]);if(found)return found;
throw Object.assign(new Error(`Cannot find module '${request}'`),{code:"MODULE_NOT_FOUND"})}),!!loader)for(let name of["resolve","resolveSync"]){let resolve=loader[name];
typeof resolve=="function"&&(loader[name]=function(specifier,parentURL,...rest){if(!internal(specifier)||typeof parentURL!="string"||!parentURL.startsWith("file\
:"))return resolve.call(this,specifier,parentURL,...rest);let path=open.createRequire(parentURL).resolve(specifier);return resolve.call(this,urlOf(path),parentURL,
...rest)})}}function wrapResolve(replacement){let open=nodeModule(),native=open._resolveFilename;open._resolveFilename=function(request,...rest){try{return replacement(
()=>native.call(this,request,...rest),request,rest)}catch(error){throw error instanceof Error&&typeof error.stack=="string"&&(error.stack=error.stack.split(`
`).filter(line=>!line.includes(__filename)).join(`
`)),error}}}var FIRST_MS=200,GATHER_MS=50;function reportModules(entry,file,origin){let loader=cascadedLoader(origin==="deferred"),pending=new Set(entry===void 0?[]:[entry]),
reported=new Set,timer,report=()=>{timer=void 0;let fresh=[...new Set([...pending,...Object.keys(require.cache)].map(fileOf))].filter(path=>path!==void 0&&isOfApp(
path)&&!reported.has(path));if(pending.clear(),fresh.length!==0){try{let{writeFileSync}=require("node:fs");writeFileSync(file,`${fresh.join(`
`)}
`,{flag:reported.size===0&&origin!=="worker"?"w":"a"})}catch{}for(let path of fresh)reported.add(path)}},addModule=name=>{pending.add(name),reported.size>0&&(timer??=
setTimeout(report,GATHER_MS).unref())};wrapResolve(resolve=>{let path=resolve();return addModule(path),path}),nodeModule().registerHooks?.({resolve(specifier,context,next){
let found=next(specifier,context);return addModule(found.url),found}});let cache=loader?.loadCache;if(cache){for(let url of cache.keys())addModule(url);let{set}=cache;
cache.set=function(url,...rest){return addModule(url),set.call(this,url,...rest)}}process.on("exit",report),setTimeout(report,origin==="deferred"?0:FIRST_MS).unref()}
function fileOf(name){return name.startsWith("/")?name:name.startsWith("file:")?pathOf(name.replace(/[?#].*$/,"")):void 0}function isOfApp(path){return!path.includes(
"/node_modules/")&&!path.includes(`
`)&&!path.startsWith(`${__dirname}/`)}function blockOnPipes(){for(let name of["stdout","stderr"]){let native=Object.getOwnPropertyDescriptor(process,name),get=native?.get;!native?.configurable||!get||
Object.defineProperty(process,name,{...native,get(){Object.defineProperty(process,name,native);let stream=get.call(process);return stream._type==="pipe"&&stream.
_handle?.setBlocking?.(!0),stream}})}}function readConfig(text){if(!text)return;let value;try{value=JSON.parse(text)}catch{return}if(typeof value!="object"||value===null||value.v!==1)return;let{parent,
entry,starts,ts,sdk,later:deferred,modules,spare:standby}=value;if(!(typeof parent!="number"||typeof entry!="string"))return{parent,entry,starts:starts===!0,ts:readTypeScript(
ts),sdk:textOrNull(sdk),deferred:textOrNull(deferred),modules:textOrNull(modules),standby:readStandby(standby)}}function textOrNull(value){return typeof value==
"string"?value:null}function readStandby(value){if(typeof value!="object"||value===null)return null;let{required,imported}=value;return{required:textOrNull(required),
imported:textOrNull(imported)}}function readTypeScript(value){if(typeof value!="object"||value===null)return null;let{manifest,strip,commonjs}=value;return typeof manifest!=
"string"||!Array.isArray(strip)||!strip.every(part=>typeof part=="string")?null:{manifest,strip,commonjs:commonjs===!0}}function isDomainProcess(config2){return process.
ppid===config2.parent&&process.argv[1]===config2.entry&&!isWorker()}function isDomainWorker(config2){return process.ppid===config2.parent&&isWorker()}function isWorker(){
return"disabled"in process.abort}var NAMES=new Set(["@fulcrum/domain","fulcrum"]);function isSdk(specifier){return NAMES.has(specifier)}function requiredFile(dir){return`${dir}/dist/index.cjs`}
function importedUrl(dir){return urlOf(`${dir}/dist/index.mjs`)}function provideSdk(dir){let open=nodeModule(),resolveFilename=open._resolveFilename;return open.
_resolveFilename=function(request,...rest){try{return resolveFilename.call(this,request,...rest)}catch(error){if(!isSdk(request)||error.code!=="MODULE_NOT_FOUND")
throw error;return requiredFile(dir)}},open.registerHooks?(open.registerHooks({resolve(specifier,context,next){try{return next(specifier,context)}catch(error){if(!isSdk(
specifier)||error.code!=="ERR_MODULE_NOT_FOUND")throw error;return{url:importedUrl(dir),format:"module",shortCircuit:!0}}}}),!1):!0}var PREPARE_TRANSPORT=Symbol.for("fulcrum.domain.warm"),WARM_CONNECTION_TTL_MS=1e4,MAX_TESTED_MAJOR=26;function canStandBy(){return parseInt(process.versions.node,
10)<=MAX_TESTED_MAJOR&&typeof nodeModule().runMain=="function"}function standBy(config2,start2){let open=nodeModule(),{runMain}=open;open.runMain=function(...args){
open.runMain=runMain;let prepared=warmUp(config2);awaitActivation(({env,cwd})=>{Object.assign(process.env,env),process.chdir(cwd),resetUptime(),setImmediate(runMain,
...args),start2(),setTimeout(()=>{prepared.then(discard=>discard?.())},WARM_CONNECTION_TTL_MS).unref()})}}async function warmUp({required,imported}){try{let sdk;
required!==null&&(sdk=require(required)),imported!==null&&(sdk=await import(imported));let prepare=sdk?.DomainBase?.[PREPARE_TRANSPORT];return typeof prepare=="\
function"?prepare():void 0}catch{return}}function awaitActivation(activate){let{openSync}=require("node:fs"),{Socket}=require("node:net"),channel=new Socket({fd:openSync(
"/proc/self/fd/0","r"),readable:!0,writable:!1}),text="";channel.setEncoding("utf8"),channel.on("data",chunk=>{text+=chunk,text.endsWith(`
`)&&(channel.removeAllListeners("end"),channel.destroy(),activate(JSON.parse(text)))}),channel.on("end",()=>process.exit(0)),channel.on("error",()=>process.exit(
0))}function resetUptime(){let native=process.uptime,waited=native();process.uptime=function(){return native()-waited}}var TYPESCRIPT=/\.[mc]?ts$/;function typescriptPath(url,pathOf2){if(!url.startsWith("file:"))return;let end=url.search(/[?#]/),bare=end<0?url:url.slice(0,end);return TYPESCRIPT.
test(bare)?pathOf2(bare):void 0}function patchCascadedLoader(files){let loads,loader=cascadedLoader(!1,()=>{require("internal/modules/esm/resolve"),loads=require("internal/modules/esm/load")}),
load=loader?.load;if(!loads||!loader||typeof load!="function"||typeof loader.resolve!="function")return!1;loader.load=async function(url,context){let path=typescriptPath(
url,pathOf);if(path===void 0)return load.call(this,url,context);let{code,format}=files.load(path);return{format,responseURL:url,source:format==="module"?code:null}};
let open=loads,{defaultLoadSync}=open;return typeof defaultLoadSync=="function"&&(open.defaultLoadSync=(url,context)=>{let path=typescriptPath(url,pathOf);if(path===
void 0)return defaultLoadSync(url,context);let{code,format}=files.load(path);return{format,responseURL:url,source:code}}),!0}function hookRequire(files){let extensions=nodeModule()._extensions,value=(module2,filename)=>{let{code,format}=files.load(filename);canCompileModules()?module2.
_compile(code,filename,format):format==="commonjs"?module2._compile(code,filename):importInstead(module2,filename)};for(let extension of[".ts",".cts",".mts"])Object.
defineProperty(extensions,extension,{value,configurable:!0,writable:!0,enumerable:!1})}function canCompileModules(){return process.features.require_module===!0}
function importInstead(module2,filename){if(process.mainModule!==module2)throw Object.assign(new Error(`require() of ES Module ${filename} is not supported by N\
ode ${process.version}: use import()`),{code:"ERR_REQUIRE_ESM"});process.mainModule=void 0,import(urlOf(filename))}var import_node_fs2=require("node:fs"),StrippedFiles=class{#config;#childProcess;#manifest;constructor(config2,childProcess){this.#config=config2,this.#childProcess=
childProcess}load(path){let entry=(this.#manifest??=readManifest(this.#config.manifest))[path];if(entry){let{size,mtimeMs}=(0,import_node_fs2.statSync)(path);if(size===
entry.size&&Math.floor(mtimeMs)===entry.mtime_ms)try{return{code:(0,import_node_fs2.readFileSync)(entry.code,"utf8"),format:entry.format}}catch{}}return this.#strip(
path)}#strip(path){(0,import_node_fs2.statSync)(path);let[program="",...args]=this.#config.strip,result=this.#childProcess().spawnSync(program,[...args,path],{encoding:"\
utf8",maxBuffer:256*1024*1024,stdio:["ignore","pipe","pipe"],windowsHide:!0});if(result.error)throw new SyntaxError(`${path}: cannot strip its types: ${program}\
: ${result.error.message}`);if(result.status!==0){let reason=result.stderr.trim()||`${program} exited with ${result.signal??`code ${result.status}`}`;throw new SyntaxError(
reason.includes(path)?reason:`${path}: ${reason}`)}try{let{code,format}=JSON.parse(result.stdout);if(typeof code=="string"&&(format==="module"||format==="common\
js"))return{code,format}}catch{}throw new SyntaxError(`${path}: cannot strip its types: ${program} printed no {"code", "format"}`)}};function readManifest(path){
try{let{files}=JSON.parse((0,import_node_fs2.readFileSync)(path,"utf8"));return{__proto__:null,...files}}catch{return{}}}function hookTypeScript(config2){let files=new StrippedFiles(config2,()=>require("node:child_process"));hookRequire(files);let open=nodeModule();return open.registerHooks?
(open.registerHooks({load(url,context,next){let path=typescriptPath(url,pathOf);if(path===void 0)return next(url,context);let{code,format}=files.load(path);return{
format,source:code,shortCircuit:!0}}}),!1):!config2.commonjs&&!patchCascadedLoader(files)}var config=readConfig(process.env.FULCRUM_BOOTSTRAP);config&&applyConfig(config);function applyConfig(config2){config2.standby&&!isDomainWorker(config2)&&!(isDomainProcess(
config2)&&canStandBy())&&process.exit(0),hookLoaders(config2),isDomainProcess(config2)?config2.standby?(config2.modules!==null&&cascadedLoader(),standBy(config2.
standby,()=>{let current=readConfig(process.env.FULCRUM_BOOTSTRAP)??config2;current.deferred!==null&&hidePreload(),blockOnPipes(),setUpProcess(current,!1)})):(config2.
deferred===null&&blockOnPipes(),setUpProcess(config2,config2.deferred!==null)):(config2.deferred!==null&&hidePreload(),cascadedLoader(),config2.modules!==null&&
isDomainWorker(config2)&&reportModules(process.argv[1],config2.modules,"worker"))}function hookLoaders({ts,sdk}){let typesNeedThread=ts!==null&&hookTypeScript(ts),
sdkNeedsThread=sdk!==null&&provideSdk(sdk);if(typesNeedThread||sdkNeedsThread){let data={ts:typesNeedThread?ts:null,sdk:sdk&&sdkNeedsThread?importedUrl(sdk):null};
nodeModule().register(urlOf(`${__dirname}/hooks.mjs`),{data})}}function setUpProcess({entry,starts,modules},deferred){autoStart(entry,starts&&!deferred),modules!==
null&&reportModules(entry,modules,deferred?"deferred":"main"),flushCompileCacheLater()}function hidePreload(){let at=process.execArgv.findIndex((word,index)=>word===
"--require"&&process.execArgv[index+1]===__filename);at>=0&&process.execArgv.splice(at,2)}
