using System.ComponentModel;
using System.Diagnostics;

namespace StreamingCnn.Testing;

/// <summary>GDAL's own programs, which write files that the product reads, and share no code with it.</summary>
public static class GdalTools
{
    private const string Package = "GDAL's programs are not installed (Debian and Ubuntu: apt-get install gdal-bin).";

    /// <summary>Writes an image in another format; skips the test where GDAL is not installed.</summary>
    /// <returns>The path of the new file.</returns>
    public static string Translate(string from, string to, params string[] options)
    {
        if (!TryTranslate(from, to, options))
            Assert.Skip(Package);
        return to;
    }

    /// <summary>Writes an image as JPEG 2000 without loss; skips the test where GDAL is not installed.</summary>
    /// <returns>The path of the new file.</returns>
    public static string ToJpeg2000(string from, string to, params string[] options) => Translate(
        from, to, ["-of", "JP2OpenJPEG", "-co", "REVERSIBLE=YES", "-co", "QUALITY=100", .. options]);

    /// <summary>Writes an image in another format, and nothing beside it.</summary>
    /// <returns>Whether GDAL is installed.</returns>
    public static bool TryTranslate(string from, string to, params string[] options)
    {
        try
        {
            var start = new ProcessStartInfo("gdal_translate", ["-q", "--config", "GDAL_PAM_ENABLED", "NO", .. options, from, to])
            {
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? true : throw new InvalidOperationException(errors);
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
