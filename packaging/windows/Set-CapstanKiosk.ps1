# Applies an Assigned Access configuration. Run it as SYSTEM (psexec -i -s powershell), which the bridge asks for.
param([Parameter(Mandatory)][string] $Configuration)
$ErrorActionPreference = 'Stop'
$kiosk = Get-CimInstance -Namespace 'root\cimv2\mdm\dmmap' -ClassName 'MDM_AssignedAccess'
$kiosk.Configuration = [System.Net.WebUtility]::HtmlEncode((Get-Content -Raw -LiteralPath $Configuration))
Set-CimInstance -CimInstance $kiosk
Write-Output 'The kiosk account is there after the next start.'
