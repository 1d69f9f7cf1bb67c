using System.Text;

namespace StreamingCnn.Imaging.Tests.Generators;

/// <summary>Writes NumPy arrays of bytes, the simplest image files there are.</summary>
internal static class ArrayFile
{
    /// <summary>Writes (height, width, channels) bytes counting up from 0.</summary>
    public static void Write(string path, int height, int width, int channels = 1)
    {
        var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': ({height}, {width}, {channels}), }}";
        header = header.PadRight(117) + "\n";
        var start = new byte[] { 0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, (byte)header.Length, 0 };
        var pixels = Enumerable.Range(0, height * width * channels).Select(i => (byte)i);
        File.WriteAllBytes(path, [.. start, .. Encoding.ASCII.GetBytes(header), .. pixels]);
    }
}
