"use strict";var import_node_fs=require("node:fs");function nodeModule(){return require("node:module")}function urlOf(path){return require("node:url").pathToFileURL(path).href}function pathOf(url){return require("node:url").
fileURLToPath(url)}var BRAND=Symbol.for("fulcrum.domain"),INSTANCES=Symbol.for("fulcrum.domain.instances"),PATIENCE_MS=2e3,LOOK_EVERY_MS=100,LATER_MS=200;function autoStart(entry,starts){
let look=()=>{let main=process.mainModule;main?.loaded?start(main.exports,entry):(main===void 0||preloadsModules())&&importMain(entry)};starts?setTimeout(look,LATER_MS):
setImmediate(look)}function importMain(entry){let url;try{url=urlOf((0,import_node_fs.realpathSync)(entry))}catch{return}import(url).then(exports2=>start(exports2,
entry),()=>{})}function preloadsModules(){let flags=[...process.execArgv,process.env.NODE_OPTIONS??""].join(" ");return/(^|\s)--(import|(experimental-)?loader)\b/.
test(flags)}async function start(exports2,entry){let exported=defaultOf(exports2);try{isStoppedSdkInstance(exported)?await exported.start():isDomainClass(exported)&&
!await startsItself(exported,entry)&&await new exported().start()}catch(error){let text=error instanceof Error?error.stack??error.message:String(error);process.
stderr.write(`fulcrum: the domain failed to start: ${text}
`),process.exit(1)}}function defaultOf(exports2){let value=exports2;for(let depth=0;depth<2&&!(typeof value!="object"||value===null||!("default"in value));depth++)
value=value.default;return value}function isDomainClass(value){return typeof value=="function"&&typeof value.prototype?.start=="function"}function isStoppedSdkInstance(value){
return typeof value=="object"&&value!==null&&BRAND in value}async function startsItself(exported,entry){if(isConstructed(exported))return!0;if(!mentionsNew(entry,
exported.name))return!1;for(let waited=0;waited<PATIENCE_MS;waited+=LOOK_EVERY_MS)if(await new Promise(resolve=>setTimeout(resolve,LOOK_EVERY_MS)),isConstructed(
exported))return!0;return!1}function isConstructed(exported){return BRAND in exported.prototype?[...globalThis[INSTANCES]??[]].some(instance=>instance instanceof
exported):hasInstances(exported)}function hasInstances(exported){let{queryObjects}=require("node:v8");if(!queryObjects)return!1;let{emitWarning}=process;process.
emitWarning=()=>{};try{return queryObjects(exported,{format:"count"})>0}finally{process.emitWarning=emitWarning}}function mentionsNew(entry,name){if(!/^[\w$]+$/.
test(name))return!1;try{let text=(0,import_node_fs.readFileSync)(entry,"utf8");if(!/\bnew\s/.test(text))return!1;let code=text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*/gm,
"$1");return new RegExp(`\\bnew\\s+${name.replaceAll("$","\\$")}(?![\\w$])`).test(code)}catch{return!1}}var AFTER_MS=2e3;function keepCompileCache(){process.env.NODE_COMPILE_CACHE&&setTimeout(()=>nodeModule().flushCompileCache?.(),AFTER_MS).unref()}var FLAG="--expose-internals",flagged=!1,opened;function hideInternalsFlag(){let at=process.execArgv.indexOf(FLAG);at<0||(flagged=!0,process.execArgv.splice(at,
1))}function cascadedLoader(hidden=!1,alongside){if(opened)return opened;if(hideInternalsFlag(),!(!flagged&&!hidden)){try{opened=require("internal/modules/esm/loader").
getOrInitializeCascadedLoader(),alongside?.()}catch{}return shadowInternals(opened),opened}}function shadowInternals(loader){let open=nodeModule(),internal=id=>String(
id).startsWith("internal/");open.builtinModules=Object.freeze(open.builtinModules.filter(id=>!internal(id)));let{isBuiltin}=open;if(open.isBuiltin=id=>!internal(
id)&&isBuiltin(id),wrapResolve((resolve,request,rest)=>{if(!internal(request))return resolve();let found=open._findPath(request,rest[0]?.paths??[]);if(found)return found;
throw Object.assign(new Error(`Cannot find module '${request}'`),{code:"MODULE_NOT_FOUND"})}),!!loader)for(let name of["resolve","resolveSync"]){let resolve=loader[name];
typeof resolve=="function"&&(loader[name]=function(specifier,parentURL,...rest){if(!internal(specifier)||typeof parentURL!="string"||!parentURL.startsWith("file\
:"))return resolve.call(this,specifier,parentURL,...rest);let path=open.createRequire(parentURL).resolve(specifier);return resolve.call(this,urlOf(path),parentURL,
...rest)})}}function wrapResolve(instead){let open=nodeModule(),native=open._resolveFilename;open._resolveFilename=function(request,...rest){try{return instead(
()=>native.call(this,request,...rest),request,rest)}catch(error){throw error instanceof Error&&typeof error.stack=="string"&&(error.stack=error.stack.split(`
`).filter(line=>!line.includes(__filename)).join(`
`)),error}}}var FIRST_MS=200,GATHER_MS=50;function reportModules(entry,file,who){let loader=cascadedLoader(who==="late"),seen=new Set(entry===void 0?[]:[entry]),told=new Set,
timer,report=()=>{timer=void 0;let fresh=[...new Set([...seen,...Object.keys(require.cache)].map(pathBehind))].filter(path=>path!==void 0&&isOfApp(path)&&!told.
has(path));if(seen.clear(),fresh.length!==0){try{let{writeFileSync}=require("node:fs");writeFileSync(file,`${fresh.join(`
`)}
`,{flag:told.size===0&&who!=="worker"?"w":"a"})}catch{}for(let path of fresh)told.add(path)}},see=name=>{seen.add(name),told.size>0&&(timer??=setTimeout(report,
GATHER_MS).unref())};wrapResolve(resolve=>{let path=resolve();return see(path),path}),nodeModule().registerHooks?.({resolve(specifier,context,next){let found=next(
specifier,context);return see(found.url),found}});let cache=loader?.loadCache;if(cache){for(let url of cache.keys())see(url);let{set}=cache;cache.set=function(url,...rest){
return see(url),set.call(this,url,...rest)}}process.on("exit",report),setTimeout(report,who==="late"?0:FIRST_MS).unref()}function pathBehind(name){return name.startsWith(
"/")?name:name.startsWith("file:")?pathOf(name.replace(/[?#].*$/,"")):void 0}function isOfApp(path){return!path.includes("/node_modules/")&&!path.includes(`
`)&&!path.startsWith(`${__dirname}/`)}function blockOnPipes(){for(let name of["stdout","stderr"]){let native=Object.getOwnPropertyDescriptor(process,name),get=native?.get;!native?.configurable||!get||
Object.defineProperty(process,name,{...native,get(){Object.defineProperty(process,name,native);let stream=get.call(process);return stream._type==="pipe"&&stream.
_handle?.setBlocking?.(!0),stream}})}}function readPlan(text){if(!text)return;let value;try{value=JSON.parse(text)}catch{return}if(typeof value!="object"||value===null||value.v!==1)return;let{parent,
entry,starts,ts,sdk,later,modules,spare}=value;if(!(typeof parent!="number"||typeof entry!="string"))return{parent,entry,starts:starts===!0,ts:readTypeScript(ts),
sdk:textOrNull(sdk),later:textOrNull(later),modules:textOrNull(modules),spare:readSpare(spare)}}function textOrNull(value){return typeof value=="string"?value:null}
function readSpare(value){if(typeof value!="object"||value===null)return null;let{required,imported}=value;return{required:textOrNull(required),imported:textOrNull(
imported)}}function readTypeScript(value){if(typeof value!="object"||value===null)return null;let{manifest,strip,commonjs}=value;return typeof manifest!="string"||
!Array.isArray(strip)||!strip.every(part=>typeof part=="string")?null:{manifest,strip,commonjs:commonjs===!0}}function isDomainProcess(plan2){return process.ppid===
plan2.parent&&process.argv[1]===plan2.entry&&!isWorker()}function isDomainWorker(plan2){return process.ppid===plan2.parent&&isWorker()}function isWorker(){return"\
disabled"in process.abort}var NAMES=new Set(["@fulcrum/domain","fulcrum"]);function isSdk(specifier){return NAMES.has(specifier)}function requiredFile(folder){return`${folder}/dist/index\
.cjs`}function importedUrl(folder){return urlOf(`${folder}/dist/index.mjs`)}function provideSdk(folder){let open=nodeModule(),resolveFilename=open._resolveFilename;
return open._resolveFilename=function(request,...rest){try{return resolveFilename.call(this,request,...rest)}catch(error){if(!isSdk(request)||error.code!=="MODU\
LE_NOT_FOUND")throw error;return requiredFile(folder)}},open.registerHooks?(open.registerHooks({resolve(specifier,context,next){try{return next(specifier,context)}catch(error){
if(!isSdk(specifier)||error.code!=="ERR_MODULE_NOT_FOUND")throw error;return{url:importedUrl(folder),format:"module",shortCircuit:!0}}}}),!1):!0}var WARM=Symbol.for("fulcrum.domain.warm"),UNWANTED_MS=1e4,NEWEST_MAJOR=26;function canStandBy(){return parseInt(process.versions.node,10)<=NEWEST_MAJOR&&typeof nodeModule().
runMain=="function"}function standBy(spare,begin){let open=nodeModule(),{runMain}=open;open.runMain=function(...args){open.runMain=runMain;let warmth=warmUp(spare);
awaitActivation(({env,cwd})=>{Object.assign(process.env,env),process.chdir(cwd),beginUptime(),setImmediate(runMain,...args),begin(),setTimeout(()=>{warmth.then(
cool=>cool?.())},UNWANTED_MS).unref()})}}async function warmUp({required,imported}){try{let own;required!==null&&(own=require(required)),imported!==null&&(own=await import(imported));
let warm=own?.DomainBase?.[WARM];return typeof warm=="function"?warm():void 0}catch{return}}function awaitActivation(activate){let{openSync}=require("node:fs"),
{Socket}=require("node:net"),channel=new Socket({fd:openSync("/proc/self/fd/0","r"),readable:!0,writable:!1}),text="";channel.setEncoding("utf8"),channel.on("da\
ta",chunk=>{text+=chunk,text.endsWith(`
`)&&(channel.removeAllListeners("end"),channel.destroy(),activate(JSON.parse(text)))}),channel.on("end",()=>process.exit(0)),channel.on("error",()=>process.exit(
0))}function beginUptime(){let native=process.uptime,waited=native();process.uptime=function(){return native()-waited}}var TYPESCRIPT=/\.[mc]?ts$/;function typescriptPath(url,pathOf2){if(!url.startsWith("file:"))return;let end=url.search(/[?#]/),bare=end<0?url:url.slice(0,end);return TYPESCRIPT.
test(bare)?pathOf2(bare):void 0}function patchCascadedLoader(files){let loads,loader=cascadedLoader(!1,()=>{require("internal/modules/esm/resolve"),loads=require("internal/modules/esm/load")}),
load=loader?.load;if(!loads||!loader||typeof load!="function"||typeof loader.resolve!="function")return!1;loader.load=async function(url,context){let path=typescriptPath(
url,pathOf);if(path===void 0)return load.call(this,url,context);let{code,format}=files.load(path);return{format,responseURL:url,source:format==="module"?code:null}};
let open=loads,{defaultLoadSync}=open;return typeof defaultLoadSync=="function"&&(open.defaultLoadSync=(url,context)=>{let path=typescriptPath(url,pathOf);if(path===
void 0)return defaultLoadSync(url,context);let{code,format}=files.load(path);return{format,responseURL:url,source:code}}),!0}function hookRequire(files){let extensions=nodeModule()._extensions,value=(module2,filename)=>{let{code,format}=files.load(filename);canCompileModules()?module2.
_compile(code,filename,format):format==="commonjs"?module2._compile(code,filename):importInstead(module2,filename)};for(let extension of[".ts",".cts",".mts"])Object.
defineProperty(extensions,extension,{value,configurable:!0,writable:!0,enumerable:!1})}function canCompileModules(){return process.features.require_module===!0}
function importInstead(module2,filename){if(process.mainModule!==module2)throw Object.assign(new Error(`require() of ES Module ${filename} is not supported by N\
ode ${process.version}: use import()`),{code:"ERR_REQUIRE_ESM"});process.mainModule=void 0,import(urlOf(filename))}var import_node_fs2=require("node:fs"),StrippedFiles=class{#plan;#childProcess;#manifest;constructor(plan2,childProcess){this.#plan=plan2,this.#childProcess=childProcess}load(path){
let entry=(this.#manifest??=readManifest(this.#plan.manifest))[path];if(entry){let{size,mtimeMs}=(0,import_node_fs2.statSync)(path);if(size===entry.size&&Math.floor(
mtimeMs)===entry.mtime_ms)try{return{code:(0,import_node_fs2.readFileSync)(entry.code,"utf8"),format:entry.format}}catch{}}return this.#strip(path)}#strip(path){
(0,import_node_fs2.statSync)(path);let[program="",...args]=this.#plan.strip,result=this.#childProcess().spawnSync(program,[...args,path],{encoding:"utf8",maxBuffer:256*
1024*1024,stdio:["ignore","pipe","pipe"],windowsHide:!0});if(result.error)throw new SyntaxError(`${path}: its types can't be stripped: ${program}: ${result.error.
message}`);if(result.status!==0){let reason=result.stderr.trim()||`${program} ended with ${result.signal??`code ${result.status}`}`;throw new SyntaxError(reason.
includes(path)?reason:`${path}: ${reason}`)}try{let{code,format}=JSON.parse(result.stdout);if(typeof code=="string"&&(format==="module"||format==="commonjs"))return{
code,format}}catch{}throw new SyntaxError(`${path}: its types can't be stripped: ${program} printed no {"code", "format"}`)}};function readManifest(path){try{let{
files}=JSON.parse((0,import_node_fs2.readFileSync)(path,"utf8"));return{__proto__:null,...files}}catch{return{}}}function hookTypeScript(plan2){let files=new StrippedFiles(plan2,()=>require("node:child_process"));hookRequire(files);let open=nodeModule();return open.registerHooks?
(open.registerHooks({load(url,context,next){let path=typescriptPath(url,pathOf);if(path===void 0)return next(url,context);let{code,format}=files.load(path);return{
format,source:code,shortCircuit:!0}}}),!1):!plan2.commonjs&&!patchCascadedLoader(files)}var plan=readPlan(process.env.FULCRUM_BOOTSTRAP);plan&&follow(plan);function follow(plan2){plan2.spare&&!isDomainWorker(plan2)&&!(isDomainProcess(plan2)&&canStandBy())&&
process.exit(0),hookLoaders(plan2),isDomainProcess(plan2)?plan2.spare?(plan2.modules!==null&&cascadedLoader(),standBy(plan2.spare,()=>{let now=readPlan(process.
env.FULCRUM_BOOTSTRAP)??plan2;now.later!==null&&hidePreload(),blockOnPipes(),serve(now,!1)})):(plan2.later===null&&blockOnPipes(),serve(plan2,plan2.later!==null)):
(plan2.later!==null&&hidePreload(),cascadedLoader(),plan2.modules!==null&&isDomainWorker(plan2)&&reportModules(process.argv[1],plan2.modules,"worker"))}function hookLoaders({
ts,sdk}){let typesNeedThread=ts!==null&&hookTypeScript(ts),sdkNeedsThread=sdk!==null&&provideSdk(sdk);if(typesNeedThread||sdkNeedsThread){let data={ts:typesNeedThread?
ts:null,sdk:sdk&&sdkNeedsThread?importedUrl(sdk):null};nodeModule().register(urlOf(`${__dirname}/hooks.mjs`),{data})}}function serve({entry,starts,modules},late){
autoStart(entry,starts&&!late),modules!==null&&reportModules(entry,modules,late?"late":"main"),keepCompileCache()}function hidePreload(){let at=process.execArgv.
findIndex((word,index)=>word==="--require"&&process.execArgv[index+1]===__filename);at>=0&&process.execArgv.splice(at,2)}
