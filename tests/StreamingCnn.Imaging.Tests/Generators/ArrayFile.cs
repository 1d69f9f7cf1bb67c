using System.Text;

namespace StreamingCnn.Imaging.Tests.Generators;

/// <summary>Writes NumPy arrays of bytes, the simplest image files there are.</summary>
internal static class ArrayFile
{
    /// <summary>Bytes before the first sample.</summary>
    public const int HeaderBytes = 128;

    /// <summary>
    /// Writes (height, width, channels) samples whose bytes count up from 0; of 32-bit numbers the last byte does not, so that all are
    /// small.
    /// </summary>
    public static void Write(string path, int height, int width, int channels = 1, string type = "|u1", int size = 1)
    {
        var header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({height}, {width}, {channels}), }}";
        header = header.PadRight(HeaderBytes - 11) + "\n";
        var start = new byte[] { 0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, (byte)header.Length, 0 };
        var pixels = Enumerable.Range(0, height * width * channels * size).Select(i => size == 4 && i % 4 == 3 ? (byte)63 : (byte)i);
        File.WriteAllBytes(path, [.. start, .. Encoding.ASCII.GetBytes(header), .. pixels]);
    }
}
