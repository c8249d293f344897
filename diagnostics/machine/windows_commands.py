"""The closed list's lines for Windows: constant argument lists, nothing from outside ever enters one.

Three kinds, all of them only reading:

* `powershell`: fixed scripts that ask CIM classes, the registry and COM objects, and print one JSON object. Starting it
  costs about half a second, so that one script answers several collectors. Each part is asked by itself: one that is
  refused leaves `"NAME.error": {"category", "id"}`, both in English in every Windows, and the others stay.
* `wevtutil`: fixed queries of the event log as XML: numbers, names of values and UTC there, in every language.
* programs that have no other way in: `netsh wlan`, `w32tm`, `powercfg`. Their words are translated; their readers go by
  order and form, and say so.

No script holds a double quote: Windows has one string for all arguments, and quotes are what goes wrong in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from diagnostics.machine.interface import Command

# A cold PowerShell on a slow disk, and WMI that loads its counters: checks are given 15 s.
_SCRIPT_TIMEOUT_S = 12.0

_HEAD = (
    "$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue';"
    "try{[Console]::OutputEncoding=New-Object Text.UTF8Encoding $false}catch{};"
    "$r=[ordered]@{};"
    "function Ask($n,$b){try{$r[$n]=@(& $b)}catch{"
    "$r[$n+'.error']=@{category=[string]$_.CategoryInfo.Category;id=[string]$_.FullyQualifiedErrorId}}};"
    "function Cim($c,$p,$s='root/cimv2',$f=''){$a=@{ClassName=$c;Namespace=$s;OperationTimeoutSec=8};"
    "if($f){$a.Filter=$f};Get-CimInstance @a|Select-Object -Property $p};"
)
_TAIL = "ConvertTo-Json -InputObject $r -Depth 5 -Compress"


def _script(name: str, *parts: str) -> Command:
    script = _HEAD + ";".join(parts) + ";" + _TAIL
    return Command(
        name,
        ("powershell", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script),
        timeout_s=_SCRIPT_TIMEOUT_S,
    )


def _ask(name: str, block: str) -> str:
    return f"Ask '{name}' {{{block}}}"


def _cim(name: str, cim_class: str, properties: str, namespace: str = "root/cimv2", where: str = "") -> str:
    return _ask(name, f"Cim '{cim_class}' {properties} '{namespace}' '{where}'")


_NET = "root/StandardCimv2"
_STORAGE = "root/Microsoft/Windows/Storage"
_CURRENT = r"SOFTWARE\Microsoft\Windows\CurrentVersion"
_CURRENT_NT = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"

NETWORK = _script(
    "windows-network-state",
    _ask(
        "adapters",
        f"Get-CimInstance -ClassName MSFT_NetAdapter -Namespace {_NET}|Where-Object{{-not $_.Hidden}}|Select-Object "
        "Name,InterfaceIndex,InterfaceOperationalStatus,MediaConnectState,PermanentAddress,MtuSize,HardwareInterface",
    ),
    _cim("addresses", "MSFT_NetIPAddress", "InterfaceIndex,IPAddress,PrefixLength,AddressState", _NET),
    _ask(
        "routes",
        "Cim 'MSFT_NetRoute' DestinationPrefix,NextHop,InterfaceIndex,RouteMetric,InterfaceMetric "
        f"'{_NET}'|Where-Object{{'0.0.0.0/0','::/0' -contains $_.DestinationPrefix}}",
    ),
    _cim("resolvers", "MSFT_DNSClientServerAddress", "InterfaceIndex,AddressFamily,ServerAddresses", _NET),
    _cim(
        "traffic",
        "MSFT_NetAdapterStatisticsSettingData",
        "Name,ReceivedBytes,SentBytes,ReceivedPacketErrors,OutboundPacketErrors,ReceivedDiscardedPackets,"
        "OutboundDiscardedPackets",
        _NET,
    ),
    _ask(
        "neighbours",
        f"Cim 'MSFT_NetNeighbor' InterfaceIndex,IPAddress,State '{_NET}'|Where-Object{{$_.State -ne 6}}|"
        "Select-Object -First 500",
    ),
    _ask(
        "connections",
        f"Cim 'MSFT_NetTCPConnection' LocalPort,State '{_NET}'|Group-Object State|Select-Object Name,Count,"
        "@{n='Ports';e={if($_.Name -eq '2'){@($_.Group|ForEach-Object{$_.LocalPort}|Sort-Object -Unique)}}}",
    ),
    _cim("ports", "MSFT_NetTCPSetting", "SettingName,DynamicPortRangeStartPort,DynamicPortRangeNumberOfPorts", _NET),
)

COUNTERS = _script(
    "windows-counters",
    _cim("segments", "Win32_PerfRawData_Tcpip_TCPv4", "SegmentsSentPersec,SegmentsRetransmittedPersec"),
    _cim(
        "disks",
        "Win32_PerfRawData_PerfDisk_PhysicalDisk",
        "Name,DiskTransfersPersec,PercentDiskTime,PercentIdleTime,PercentIdleTime_Base",
    ),
    _cim("paging", "Win32_PerfRawData_PerfOS_Memory", "PagesInputPersec,PagesOutputPersec"),
    _cim(
        "zones",
        "Win32_PerfFormattedData_Counters_ThermalZoneInformation",
        "Name,Temperature,HighPrecisionTemperature",
    ),
)

# Whoever changes these changes what the machine does; their values go no further than a sum.
_WATCHED_VALUES = (
    (rf"HKLM:\{_CURRENT_NT}\Winlogon", "Shell,Userinit"),
    (rf"HKLM:\{_CURRENT}\Policies\System", "EnableLUA,ConsentPromptBehaviorAdmin"),
    (r"HKLM:\SYSTEM\CurrentControlSet\Control\Terminal Server", "fDenyTSConnections"),
    (r"HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Environment", "Path"),
    (r"HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management", "PagingFiles"),
    (r"HKLM:\SYSTEM\CurrentControlSet\Control\Power", "HibernateEnabled"),
    (r"HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters", "Domain,NameServer,DataBasePath"),
    (r"HKLM:\SYSTEM\CurrentControlSet\Services\W32Time\Parameters", "Type,NtpServer"),
    (r"HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate", "WUServer"),
    (r"HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU", "NoAutoUpdate,UseWUServer"),
    (r"HKLM:\SOFTWARE\Policies\Microsoft\Windows Defender", "DisableAntiSpyware"),
)
_WATCHED = ",".join(f"@('{key}','{names}')" for key, names in _WATCHED_VALUES)
_RUN_KEYS = ",".join(
    f"'{key}'"
    for key in (
        rf"HKLM:\{_CURRENT}\Run",
        rf"HKLM:\{_CURRENT}\RunOnce",
        r"HKLM:\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Run",
        rf"HKCU:\{_CURRENT}\Run",
        rf"HKCU:\{_CURRENT}\RunOnce",
    )
)
_APPROVED_KEYS = ",".join(
    rf"'{hive}:\{_CURRENT}\Explorer\StartupApproved\{name}'"
    for hive in ("HKLM", "HKCU")
    for name in ("Run", "Run32", "StartupFolder")
)

SYSTEM = _script(
    "windows-system-state",
    _ask(
        "windows",
        rf"Get-ItemProperty 'HKLM:\{_CURRENT_NT}'|Select-Object "
        "EditionID,DisplayVersion,ReleaseId,CurrentBuildNumber,UBR,InstallationType",
    ),
    _cim("computer", "Win32_ComputerSystem", "Manufacturer,Model,NumberOfLogicalProcessors,TotalPhysicalMemory"),
    _cim("firmware", "Win32_BIOS", "SMBIOSBIOSVersion,ReleaseDate,SerialNumber"),
    _cim("processor", "Win32_Processor", "Name"),
    _cim("devices", "Win32_PnPEntity", "Name,PNPClass,ConfigManagerErrorCode", where="ConfigManagerErrorCode<>0"),
    _ask(
        "restart",
        rf"$c='HKLM:\{_CURRENT}\';$s='HKLM:\SYSTEM\CurrentControlSet\Control\';[pscustomobject]@{{"
        r"servicing=(Test-Path ($c+'Component Based Servicing\RebootPending'));"
        r"updates=(Test-Path ($c+'WindowsUpdate\Auto Update\RebootRequired'));"
        r"renames=@((Get-ItemProperty ($s+'Session Manager')).PendingFileRenameOperations|Where-Object{$_}).Count;"
        r"renamed=((Get-ItemProperty ($s+'ComputerName\ComputerName')).ComputerName -ne "
        r"(Get-ItemProperty ($s+'ComputerName\ActiveComputerName')).ComputerName)}",
    ),
    _ask(
        "startup",
        f"foreach($k in {_RUN_KEYS}){{if(Test-Path $k){{$i=Get-Item $k;foreach($v in $i.GetValueNames()){{"
        "[pscustomobject]@{place=$k;name=$v;command=[string]$i.GetValue($v)}}}}",
    ),
    _ask(
        "startupFolders",
        "foreach($d in [Environment]::GetFolderPath('Startup'),[Environment]::GetFolderPath('CommonStartup')){"
        "if($d -and (Test-Path -LiteralPath $d)){Get-ChildItem -LiteralPath $d -File|Select-Object "
        "@{n='place';e={$d}},@{n='name';e={$_.Name}},@{n='size';e={$_.Length}},"
        "@{n='modified';e={$_.LastWriteTimeUtc}}}}",
    ),
    _ask(
        "startupApproved",
        f"foreach($k in {_APPROVED_KEYS}){{if(Test-Path $k){{$i=Get-Item $k;foreach($v in $i.GetValueNames()){{"
        "[pscustomobject]@{place=$k;name=$v;state=[int](@($i.GetValue($v))[0])}}}}",
    ),
    _ask(
        "config",
        f"foreach($w in {_WATCHED}){{if(Test-Path $w[0]){{$i=Get-Item $w[0];foreach($v in $w[1].Split(',')){{"
        "$x=$i.GetValue($v);if($null -ne $x){[pscustomobject]@{key=$w[0];name=$v;value=[string]$x}}}}}",
    ),
    _ask(
        "hosts",
        r"Get-FileHash -LiteralPath ($env:SystemRoot+'\System32\drivers\etc\hosts') -Algorithm SHA256|"
        "Select-Object Hash",
    ),
    _ask(
        "proxy",
        rf"$i=Get-ItemProperty 'HKCU:\{_CURRENT}\Internet Settings';"
        rf"$m=(Get-ItemProperty 'HKLM:\{_CURRENT}\Internet Settings\Connections' -ErrorAction SilentlyContinue)"
        ".WinHttpSettings;[pscustomobject]@{enabled=$i.ProxyEnable;server=$i.ProxyServer;script=$i.AutoConfigURL;"
        "winhttp=$(if($m){[BitConverter]::ToString($m)})}",
    ),
    _ask(
        "certificates",
        r"foreach($s in 'LocalMachine','CurrentUser'){Get-ChildItem ('Cert:\'+$s+'\My')|Select-Object -First 50 "
        r"@{n='store';e={$s+'\My'}},@{n='raw';e={[Convert]::ToBase64String($_.RawData)}}}",
    ),
)

SECURITY = _script(
    "windows-security-state",
    _cim("scanners", "AntiVirusProduct", "displayName,productState,timestamp", "root/SecurityCenter2"),
    _cim(
        "defender",
        "MSFT_MpComputerStatus",
        "AMServiceEnabled,AntivirusEnabled,RealTimeProtectionEnabled,AntivirusSignatureLastUpdated",
        "root/Microsoft/Windows/Defender",
    ),
    _ask(
        "firewall",
        "Get-NetFirewallProfile -PolicyStore ActiveStore|Select-Object Name,@{n='Enabled';e={[int]$_.Enabled}}",
    ),
    _cim("walls", "FirewallProduct", "displayName,productState", "root/SecurityCenter2"),
    _cim(
        "encryption",
        "Win32_EncryptableVolume",
        "DriveLetter,ProtectionStatus,ConversionStatus",
        "root/cimv2/Security/MicrosoftVolumeEncryption",
    ),
    _ask(
        "shellEncryption",
        "[pscustomobject]@{drive=$env:SystemDrive;protection=(New-Object -ComObject Shell.Application)."
        "NameSpace($env:SystemDrive).Self.ExtendedProperty('System.Volume.BitLockerProtection')}",
    ),
    _ask("systemDrive", "[pscustomobject]@{drive=$env:SystemDrive}"),
)

_UNINSTALL_KEYS = ",".join(
    f"'{key}'"
    for key in (
        rf"HKLM:\{_CURRENT}\Uninstall\*",
        r"HKLM:\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\*",
        rf"HKCU:\{_CURRENT}\Uninstall\*",
    )
)
SOFTWARE = _script(
    "windows-software",
    _ask(
        "programs",
        f"Get-ItemProperty {_UNINSTALL_KEYS} -ErrorAction SilentlyContinue|Where-Object{{$_.DisplayName -and "
        "-not $_.SystemComponent -and -not $_.ParentKeyName}|Select-Object DisplayName,DisplayVersion,Publisher,"
        "@{n='Wow';e={$_.PSPath -like '*WOW6432Node*'}}",
    ),
    _ask("updates", "Cim 'Win32_QuickFixEngineering' HotFixID"),
)

DISKS = _script(
    "windows-disks",
    _cim(
        "physical",
        "MSFT_PhysicalDisk",
        "DeviceId,FriendlyName,MediaType,BusType,HealthStatus,OperationalStatus",
        _STORAGE,
    ),
    _ask(
        "reliability",
        "Get-PhysicalDisk|Get-StorageReliabilityCounter|Select-Object DeviceId,Wear,ReadErrorsUncorrected,"
        "WriteErrorsUncorrected,Temperature,TemperatureMax",
    ),
    _cim("drives", "Win32_DiskDrive", "Index,PNPDeviceID"),
    _cim("predictions", "MSStorageDriver_FailurePredictStatus", "InstanceName,PredictFailure", "root/wmi"),
    _ask(
        "attributes",
        "Get-CimInstance -ClassName MSStorageDriver_ATAPISmartData -Namespace root/wmi|Select-Object InstanceName,"
        "@{n='Bytes';e={[BitConverter]::ToString([byte[]]$_.VendorSpecific)}}",
    ),
)

UPDATES = _script(
    "windows-updates",
    _ask(
        "searches",
        "$u=(New-Object -ComObject Microsoft.Update.AutoUpdate).Results;[pscustomobject]@{"
        "searched=$u.LastSearchSuccessDate;installed=$u.LastInstallationSuccessDate}",
    ),
    _ask(
        "waiting",
        "$s=(New-Object -ComObject Microsoft.Update.Session).CreateUpdateSearcher();$s.Online=$false;"
        "foreach($u in $s.Search('IsInstalled=0 and IsHidden=0').Updates){[pscustomobject]@{title=$u.Title}}",
    ),
)

TASKS = _script(
    "windows-tasks",
    _ask(
        "tasks",
        "$s=New-Object -ComObject Schedule.Service;$s.Connect();$q=New-Object Collections.Queue;"
        r"$q.Enqueue($s.GetFolder('\'));while($q.Count){$f=$q.Dequeue();foreach($d in $f.GetFolders(0)){"
        r"if($d.Path -ne '\Microsoft'){$q.Enqueue($d)}};foreach($t in $f.GetTasks(1)){[pscustomobject]@{"
        "path=$t.Path;enabled=$t.Enabled;state=[int]$t.State;result=[int]$t.LastTaskResult;"
        "last=$t.LastRunTime;missed=$t.NumberOfMissedRuns}}}",
    ),
)

PRINTERS = _script(
    "windows-printers",
    _cim("printers", "MSFT_Printer", "Name,PrinterStatus,JobCount", _NET),
    _cim("jobs", "Win32_PrintJob", "Name,StatusMask,TimeSubmitted"),
)

BATTERY = _script(
    "windows-battery",
    _ask(
        "report",
        "$f=[IO.Path]::GetTempFileName();try{powercfg /batteryreport /xml /output $f|Out-Null;"
        "[pscustomobject]@{xml=[IO.File]::ReadAllText($f)}}finally{Remove-Item -LiteralPath $f -Force}",
    ),
    _cim("status", "Win32_Battery", "DeviceID,BatteryStatus,EstimatedChargeRemaining"),
)

BACKUPS = _script(
    "windows-backups",
    _ask(
        "fileHistory",
        rf"Get-ItemProperty 'HKCU:\{_CURRENT}\FileHistory'|Select-Object ProtectedUpToTime",
    ),
)

# Asked only so that it can be taken out of what leaves.
NAMES = _script(
    "windows-names",
    _cim("computer", "Win32_ComputerSystem", "Name,DNSHostName,Domain,PartOfDomain"),
    _cim("accounts", "Win32_UserAccount", "Name,FullName,SID", where="LocalAccount=True"),
    _ask(
        "profiles",
        rf"Get-ItemProperty 'HKLM:\{_CURRENT_NT}\ProfileList\*'|Select-Object PSChildName,ProfileImagePath",
    ),
    _ask("networks", rf"Get-ItemProperty 'HKLM:\{_CURRENT_NT}\NetworkList\Profiles\*'|Select-Object ProfileName"),
    _cim("firmware", "Win32_BIOS", "SerialNumber"),
    _cim("board", "Win32_BaseBoard", "SerialNumber"),
    _cim("product", "Win32_ComputerSystemProduct", "IdentifyingNumber,UUID"),
    _cim("disks", "Win32_DiskDrive", "SerialNumber"),
    _ask("guid", r"Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Cryptography'|Select-Object MachineGuid"),
)

CLOCK = Command("windows-clock", ("w32tm", "/query", "/status", "/verbose"), timeout_s=5)
WIRELESS = Command("windows-wireless", ("netsh", "wlan", "show", "interfaces"), timeout_s=5)


def _events(name: str, channel: str, what: str, *, hours: int | None, most: int) -> Command:
    """The newest events first. `hours` None: however old."""
    conditions = what if hours is None else f"{what} and TimeCreated[timediff(@SystemTime) <= {hours * 3_600_000}]"
    return Command(
        name,
        (
            "wevtutil",
            "query-events",
            channel,
            f"/count:{most}",
            "/reversedirection:true",
            "/format:XML",
            "/unicode:true",
            f"/query:*[System[{conditions}]]",
        ),
    )


def _from(providers: tuple[str, ...], *numbers: int) -> str:
    by = " or ".join(f"@Name='{provider}'" for provider in providers)
    return f"Provider[{by}]" + (f" and ({' or '.join(f'EventID={number}' for number in numbers)})" if numbers else "")


START_EVENTS = _events(
    "windows-start-events",
    "System",
    _from(
        (
            "Microsoft-Windows-Kernel-General",
            "Microsoft-Windows-Kernel-Power",
            "EventLog",
            "Microsoft-Windows-WER-SystemErrorReporting",
        ),
        12,
        41,
        6008,
        1001,
    ),
    hours=30 * 24,
    most=300,
)
SERVICE_EVENTS = _events(
    "windows-service-events",
    "System",
    _from(("Service Control Manager",), 7000, 7009, 7022, 7023, 7024, 7031, 7034, 7038),
    hours=7 * 24,
    most=500,
)
# Warnings and worse: a healthy volume's note and corrected errors on the bus come as information.
KERNEL_EVENTS = _events(
    "windows-kernel-events",
    "System",
    _from(
        (
            "disk",
            "Ntfs",
            "Microsoft-Windows-Ntfs",
            "Microsoft-Windows-WHEA-Logger",
            "Microsoft-Windows-Resource-Exhaustion-Detector",
            "Display",
        )
    )
    + " and (Level=1 or Level=2 or Level=3)",
    hours=48,
    most=1000,
)
THROTTLE_EVENTS = _events(
    "windows-throttle-events",
    "System",
    _from(("Microsoft-Windows-Kernel-Processor-Power",), 37),
    hours=1,
    most=1000,
)
CRASH_EVENTS = _events(
    "windows-crash-events",
    "Application",
    _from(("Application Error", "Application Hang"), 1000, 1002),
    hours=48,
    most=500,
)
UPDATE_EVENTS = _events(
    "windows-update-events",
    "System",
    _from(("Microsoft-Windows-WindowsUpdateClient",), 19, 20),
    hours=14 * 24,
    most=500,
)
BOOT_EVENTS = _events(
    "windows-boot-events", "Microsoft-Windows-Diagnostics-Performance/Operational", "EventID=100", hours=None, most=1
)
BACKUP_EVENTS = _events("windows-backup-events", "Microsoft-Windows-Backup", "EventID=4", hours=None, most=1)

WINDOWS: Mapping[str, Command] = {
    command.name: command
    for command in (
        NETWORK,
        COUNTERS,
        SYSTEM,
        SECURITY,
        SOFTWARE,
        DISKS,
        UPDATES,
        TASKS,
        PRINTERS,
        BATTERY,
        BACKUPS,
        NAMES,
        CLOCK,
        WIRELESS,
        START_EVENTS,
        SERVICE_EVENTS,
        KERNEL_EVENTS,
        THROTTLE_EVENTS,
        CRASH_EVENTS,
        UPDATE_EVENTS,
        BOOT_EVENTS,
        BACKUP_EVENTS,
    )
}
# One answer serves all who ask within a look: a dozen collectors share these.
SHARED = frozenset({NETWORK, COUNTERS, SYSTEM, SECURITY, DISKS})
