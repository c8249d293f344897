; The installer for people: makensis -DPAYLOAD=dist/bellpull-agent -DVERSION=0.1.0 -DOUT=setup.exe bellpull.nsi
; Built and looked into on Linux (tests/installers/test_windows_packages.py); run on no Windows yet.
;
; No configuration is in it, for nothing in an installer would be signed by the organisation. Whom the agent answers to
; comes with a token the organisation's key has signed: `bellpull-agent enrol TOKEN`, or as a file beside the installer,
;     BellpullSetup.exe /S /TOKENFILE=C:\path\token.txt
; which is laid where the service takes it up at its start, proves it, and deletes it.

!ifndef PAYLOAD | VERSION | OUT
  !error "say -DPAYLOAD=… -DVERSION=… -DOUT=…"
!endif
Unicode true
ManifestSupportedOS Win10
RequestExecutionLevel admin
SetCompressor /SOLID lzma
Name "Bellpull"
OutFile "${OUT}"
InstallDir "$PROGRAMFILES64\Bellpull"
BrandingText "Bellpull ${VERSION}"

!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "x64.nsh"

!define SERVICE "BellpullAgent"
!define ARP "Software\Microsoft\Windows\CurrentVersion\Uninstall\Bellpull"
!define STATE "$MachineData\bellpull"
Var MachineData
Var TOKENFILE

Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

!macro Places un
Function ${un}Places
  ${IfNot} ${RunningX64}
    MessageBox MB_ICONSTOP "Bellpull needs a 64-bit Windows." /SD IDOK
    Abort
  ${EndIf}
  SetRegView 64
  SetShellVarContext all
  StrCpy $MachineData $APPDATA ; %ProgramData%, in the context of all users
FunctionEnd
!macroend
!insertmacro Places ""
!insertmacro Places "un."

Function .onInit
  Call Places
  ${GetParameters} $0
  ${GetOptions} $0 "/TOKENFILE=" $TOKENFILE
FunctionEnd

Function un.onInit
  Call un.Places
FunctionEnd

Section
  ; An upgrade: the service stops, so that it never runs on a mixture of two versions. Keys and outbox stay.
  nsExec::ExecToLog '"$SYSDIR\net.exe" stop ${SERVICE}'
  Pop $0
  RMDir /r "$INSTDIR\_internal"
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}/*"

  ; The state folder, for SYSTEM and administrators alone, before anything secret lies in it.
  CreateDirectory "${STATE}"
  nsExec::ExecToLog '"$SYSDIR\icacls.exe" "${STATE}" /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F'
  Pop $0
  ${If} $0 != 0
    DetailPrint "The folder of the keys could not be closed to others: nothing is installed."
    Abort
  ${EndIf}
  ${If} $TOKENFILE != ""
    CopyFiles /SILENT "$TOKENFILE" "${STATE}\enrolment-token"
  ${EndIf}

  nsExec::ExecToLog '"$SYSDIR\sc.exe" create ${SERVICE} start= delayed-auto DisplayName= "Bellpull agent" binPath= "\"$INSTDIR\bellpull-agent.exe\" --child agent.service.windows_service --state \"${STATE}\""'
  Pop $0 ; 1073 after an upgrade: it is there already
  nsExec::ExecToLog '"$SYSDIR\sc.exe" description ${SERVICE} "You pull the bell; help comes; you hold the door."'
  Pop $0
  nsExec::ExecToLog '"$SYSDIR\sc.exe" failure ${SERVICE} reset= 600 actions= restart/20000/restart/20000/restart/20000'
  Pop $0
  nsExec::ExecToLog '"$SYSDIR\sc.exe" failureflag ${SERVICE} 1'
  Pop $0
  nsExec::ExecToLog '"$SYSDIR\sc.exe" start ${SERVICE}'
  Pop $0

  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "${ARP}" "DisplayName" "Bellpull"
  WriteRegStr HKLM "${ARP}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${ARP}" "Publisher" "Bellpull"
  WriteRegStr HKLM "${ARP}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${ARP}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${ARP}" "NoModify" 1
  WriteRegDWORD HKLM "${ARP}" "NoRepair" 1
SectionEnd

Section "Uninstall"
  nsExec::ExecToLog '"$SYSDIR\net.exe" stop ${SERVICE}'
  Pop $0
  nsExec::ExecToLog '"$SYSDIR\sc.exe" delete ${SERVICE}'
  Pop $0
  RMDir /r "$INSTDIR\_internal"
  RMDir /r "$INSTDIR\licences"
  Delete "$INSTDIR\bellpull-agent.exe"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey HKLM "${ARP}"
  ; Silent: kept, as a package's removal keeps it everywhere else.
  MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "Delete this device's keys, receipts and what waits to be sent, too? Who keeps them is the same device after another installation." /SD IDNO IDNO kept
  RMDir /r "${STATE}"
  kept:
SectionEnd
