using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace StreamingCnn.Interop.Weights;

/// <summary>
/// A folder that is written into by one run at a time. The system holds the lock for as long as the process lives, so
/// that one that was killed leaves none behind; it also keeps two runs in one process apart. On a network file system
/// without locks there is none.
/// </summary>
public sealed class FolderLock : IDisposable
{
    // It stays where it is, empty: what counts is that a process has it open, and removing it would let two others have one each.
    private const string FileName = ".lock";

    // What is locked cannot be read, so who holds it stands beside it.
    private const string HolderName = ".lock-holder";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly FileStream file;
    private readonly string holder;

    private FolderLock(FileStream file, string holder)
    {
        this.file = file;
        this.holder = holder;
    }

    /// <summary>Makes a folder where there is none, and takes it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="patience">How long to wait for another run that has it; none by default.</param>
    /// <exception cref="WeightFileException">
    /// Another run has it, which the message names; or the folder cannot be made, or nothing can be written into it.
    /// </exception>
    public static FolderLock Take(string folder, TimeSpan patience = default)
    {
        OutputFolder.Make(folder);
        var (path, holder) = (Path.Combine(folder, FileName), Path.Combine(folder, HolderName));
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                var own = new FolderLock(file, holder);
                own.Sign();
                return own;
            }
            catch (Exception reason) when (reason is IOException or UnauthorizedAccessException && reason is not WeightFileException)
            {
                if (!IsHeld(reason))
                    throw new WeightFileException($"'{path}', which keeps two runs apart, cannot be opened: {reason.Message}", reason);
                if (clock.Elapsed >= patience)
                {
                    throw new WeightFileException(
                        $"The folder '{folder}' is being written into by another run{Holder(holder)}; "
                        + "wait until it has ended, or name another folder.",
                        reason);
                }

                Thread.Sleep(Pause);
            }
        }
    }

    /// <summary>Gives the folder back.</summary>
    public void Dispose()
    {
        File.Delete(holder);
        file.Dispose();
    }

    private void Sign()
    {
        try
        {
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"process {Environment.ProcessId} on {Environment.MachineName} since {DateTime.Now:yyyy-MM-dd HH:mm:ss}\n");
            AtomicFile.Write(holder, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether opening failed because another one has the file open: EAGAIN of Linux and macOS, a sharing violation of
    /// Windows.
    /// </summary>
    private static bool IsHeld(Exception reason) =>
        reason is IOException && reason.HResult is var code
        && (OperatingSystem.IsWindows() ? code == unchecked((int)0x80070020) : code == (OperatingSystem.IsLinux() ? 11 : 35));

    private static string Holder(string path)
    {
        try
        {
            return $", {File.ReadAllText(path).Trim()}";
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            // It has ended just now, or not signed yet.
            return "";
        }
    }
}
